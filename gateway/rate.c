// rate: see the header. What is missing is counted, not what is left, so that zero means full and a
// capacity that an administrator changes holds at once.
#include "rate.h"

bool rate_take(struct rate_bucket *bucket, uint32_t capacity, uint32_t frequency_s, int64_t now_ms,
               int64_t *wait_ms)
{
    if (capacity == 0)
        return true;

    double tokens_per_ms = capacity / (1000.0 * (frequency_s ? frequency_s : 1));
    double missing = bucket->missing - (double)(now_ms - bucket->counted_ms) * tokens_per_ms;

    bucket->missing = missing > 0 ? missing : 0;
    bucket->counted_ms = now_ms;
    if (bucket->missing + 1 > capacity) {
        *wait_ms = (int64_t)((bucket->missing + 1 - capacity) / tokens_per_ms) + 1;
        return false;
    }
    bucket->missing += 1;
    return true;
}
