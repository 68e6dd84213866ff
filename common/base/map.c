// map: linear probing with backward-shift deletion (no tombstones), at most three quarters full.
#include "base/map.h"
#include "base/heap.h"

#include "base/panic.h"
#include "base/random.h"

#include <stdlib.h>

struct map_entry {
    char *key;
    size_t key_length;
    uint64_t hash;
    void *value; // NULL: free
};

struct map {
    struct map_entry *entries;
    size_t capacity; // a power of two
    size_t count;
    uint8_t hash_key[16];
};

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t siphash(const uint8_t key[16], struct str bytes)
{
    uint64_t k[2], word;
    memcpy(k, key, sizeof k);
    uint64_t v[4] = {k[0] ^ 0x736f6d6570736575U, k[1] ^ 0x646f72616e646f6dU,
                     k[0] ^ 0x6c7967656e657261U, k[1] ^ 0x7465646279746573U};
    struct str rest = bytes;

    for (; rest.len >= 8; rest = str_skip(rest, 8)) {
        memcpy(&word, rest.ptr, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    if (rest.len)
        memcpy(&word, rest.ptr, rest.len);
    word |= (uint64_t)bytes.len << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xFF;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct map_entry *entries_new(size_t capacity)
{
    struct map_entry *entries = heap_array(capacity, sizeof *entries);
    return entries;
}

struct map *map_new(void)
{
    struct map *map = heap_raw(sizeof *map);
    *map = (struct map){.entries = entries_new(16), .capacity = 16};
    random_bytes(map->hash_key, sizeof map->hash_key);
    return map;
}

void map_free(struct map **map)
{
    if (!*map)
        return;
    for (size_t i = 0; i < (*map)->capacity; i++)
        free((*map)->entries[i].key);
    free((*map)->entries);
    free(*map);
    *map = NULL;
}

// The entry that holds the key, or the free one where it would go.
static struct map_entry *entry_find(const struct map *map, uint64_t hash, struct str key)
{
    for (size_t at = hash & (map->capacity - 1);; at = (at + 1) & (map->capacity - 1)) {
        struct map_entry *entry = &map->entries[at];
        if (!entry->value ||
            (entry->hash == hash && str_equal(str_make(entry->key, entry->key_length), key)))
            return entry;
    }
}

void *map_get(const struct map *map, struct str key)
{
    return entry_find(map, siphash(map->hash_key, key), key)->value;
}

static void map_grow(struct map *map)
{
    struct map_entry *old = map->entries;
    size_t old_capacity = map->capacity;

    map->capacity *= 2;
    map->entries = entries_new(map->capacity);
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].value)
            *entry_find(map, old[i].hash, str_make(old[i].key, old[i].key_length)) = old[i];
    free(old);
}

void *map_put(struct map *map, struct str key, void *value)
{
    ASSERT(value);
    if ((map->count + 1) * 4 > map->capacity * 3)
        map_grow(map);

    uint64_t hash = siphash(map->hash_key, key);
    struct map_entry *entry = entry_find(map, hash, key);
    void *before = entry->value;
    if (!before) {
        char *copy = heap_raw(key.len + 1);
        memcpy(copy, key.len ? key.ptr : "", key.len);
        *entry = (struct map_entry){.key = copy, .key_length = key.len, .hash = hash};
        map->count++;
    }
    entry->value = value;
    return before;
}

void *map_remove(struct map *map, struct str key)
{
    struct map_entry *entry = entry_find(map, siphash(map->hash_key, key), key);
    void *before = entry->value;
    size_t mask = map->capacity - 1;

    if (!before)
        return NULL;
    free(entry->key);
    map->count--;
    // Close the gap: move back each following entry that a search would no longer find.
    size_t gap = (size_t)(entry - map->entries);
    for (size_t at = (gap + 1) & mask; map->entries[at].value; at = (at + 1) & mask) {
        size_t home = map->entries[at].hash & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            map->entries[gap] = map->entries[at];
            gap = at;
        }
    }
    map->entries[gap] = (struct map_entry){0};
    return before;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

bool map_next(const struct map *map, size_t *cursor, struct str *key, void **value)
{
    for (; *cursor < map->capacity; (*cursor)++) {
        const struct map_entry *entry = &map->entries[*cursor];
        if (!entry->value)
            continue;
        *key = str_make(entry->key, entry->key_length);
        *value = entry->value;
        (*cursor)++;
        return true;
    }
    return false;
}
