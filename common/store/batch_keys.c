// batch_keys: see the header.
#include "store/batch_keys.h"

#include <string.h>

// Keys may differ in their low or their high bits only (ids do): mix before taking twelve of them.
static unsigned place_of(uint64_t key)
{
    return (unsigned)(key * 0x9E3779B97F4A7C15U >> 52);
}

void batch_keys_take(struct batch_keys *keys, uint64_t key)
{
    keys->words[place_of(key) / 64] |= UINT64_C(1) << place_of(key) % 64;
}

bool batch_keys_has(const struct batch_keys *keys, uint64_t key)
{
    return keys->words[place_of(key) / 64] >> place_of(key) % 64 & 1;
}

void batch_keys_join(struct batch_keys *keys, const struct batch_keys *others)
{
    for (int i = 0; i < BATCH_KEYS_WORDS; i++)
        keys->words[i] |= others->words[i];
}

static size_t held_find(const struct batch_held *held, uint64_t key)
{
    size_t i = 0;

    while (i < held->count && held->keys[i] != key)
        i++;
    return i;
}

static void held_remove(struct batch_held *held, size_t place)
{
    held->count--;
    memmove(&held->keys[place], &held->keys[place + 1],
            (held->count - place) * sizeof held->keys[0]);
}

void batch_held_add(struct batch_held *held, uint64_t key)
{
    if (batch_held_has(held, key))
        return;
    if (held->count == BATCH_HELD_LIMIT)
        held_remove(held, 0);
    held->keys[held->count++] = key;
}

void batch_held_drop(struct batch_held *held, uint64_t key)
{
    size_t place = held_find(held, key);

    if (place < held->count)
        held_remove(held, place);
}

bool batch_held_has(const struct batch_held *held, uint64_t key)
{
    return held_find(held, key) < held->count;
}
