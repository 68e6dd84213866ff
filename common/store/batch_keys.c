// batch_keys: see the header.
#include "store/batch_keys.h"

// Keys may differ in their low or their high bits only (ids do): mix before taking twelve of them.
static unsigned place_of(uint64_t key)
{
    return (unsigned)(key * 0x9E3779B97F4A7C15U >> 52);
}

void batch_keys_take(struct batch_keys *keys, uint64_t key)
{
    keys->words[place_of(key) / 64] |= UINT64_C(1) << place_of(key) % 64;
}

void batch_keys_drop(struct batch_keys *keys, uint64_t key)
{
    keys->words[place_of(key) / 64] &= ~(UINT64_C(1) << place_of(key) % 64);
}

bool batch_keys_is_empty(const struct batch_keys *keys)
{
    uint64_t any = 0;

    for (int i = 0; i < BATCH_KEYS_WORDS; i++)
        any |= keys->words[i];
    return any == 0;
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
