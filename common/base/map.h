// map: from bytes to a pointer. Open addressing with linear probing; keys are copied. The hash is
// SipHash-1-3 (Aumasson and Bernstein 2012) under a key drawn at start, so that strangers who
// choose keys cannot make it slow. The map does not own what the pointers point at. Its owner
// bounds the number of entries.
#pragma once

#include "base/str.h"

#include <stddef.h>

struct map;

struct map *map_new(void);
void map_free(struct map **map);

void *map_get(const struct map *map, struct str key); // NULL when absent
// Returns the value that was there before, NULL if none. value is not NULL.
void *map_put(struct map *map, struct str key, void *value);
void *map_remove(struct map *map, struct str key); // returns what was there
size_t map_count(const struct map *map);

// Visits all entries in no particular order; start with *cursor = 0. False at the end. Entries may
// be removed only by map_remove() of the entry just visited, in a loop that then starts over.
bool map_next(const struct map *map, size_t *cursor, struct str *key, void **value);

// The hash itself: always the same for the same 16-byte key.
uint64_t siphash(const uint8_t key[16], struct str bytes);
