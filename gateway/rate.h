// rate: a token bucket, without I/O. A zeroed bucket is full. capacity tokens come back evenly over
// frequency seconds; capacity 0 means no limit.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rate_bucket {
    double missing;     // tokens
    int64_t counted_ms; // when that was so, monotonic
};

// Takes a token. False when there is none; then *wait_ms says when the next one comes.
bool rate_take(struct rate_bucket *bucket, uint32_t capacity, uint32_t frequency_s, int64_t now_ms,
               int64_t *wait_ms);
