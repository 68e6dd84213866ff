// rate_table: buckets by number, in memory of a fixed size. When it is full the least recently used
// bucket is replaced.
#pragma once

#include "gateway/limits/rate.h"

#include <stddef.h>
#include <stdint.h>

struct rate_table;

struct rate_table *rate_table_new(size_t buckets); // a power of two, at least 8
void rate_table_free(struct rate_table **table);
// The number's bucket, a full one if it is new. Numbers must be evenly distributed, such as a
// siphash.
struct rate_bucket *rate_table_find(struct rate_table *table, uint64_t number, int64_t now_ms);
// The same, or NULL if it has none.
struct rate_bucket *rate_table_seek(struct rate_table *table, uint64_t number);
