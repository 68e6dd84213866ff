// rate: a token bucket, without I/O. A zeroed bucket is full. capacity tokens are refilled evenly
// over frequency seconds; capacity 0 means no limit.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rate_bucket {
    double missing;     // tokens
    int64_t counted_ms; // when that was so, monotonic
};

struct rate_verdict {
    bool is_allowed;
    uint32_t left;   // tokens, after this one
    int64_t wait_ms; // until the next one is available; 0 when it was allowed
    int64_t full_ms; // until all are back
};

// Takes a token, if there is one.
struct rate_verdict rate_take(struct rate_bucket *bucket, uint32_t capacity, uint32_t frequency_s,
                              int64_t now_ms);
// Returns a token that was not used.
void rate_give_back(struct rate_bucket *bucket);
