// rate: see the header. The missing tokens are counted, not the remaining ones, so that zero means
// full and a changed capacity applies at once.
#include "gateway/limits/rate.h"

struct rate_verdict rate_take(struct rate_bucket *bucket, uint32_t capacity, uint32_t frequency_s,
                              int64_t now_ms)
{
    if (capacity == 0)
        return (struct rate_verdict){.is_allowed = true};

    double tokens_per_ms = capacity / (1000.0 * (frequency_s ? frequency_s : 1));
    double missing = bucket->missing - (double)(now_ms - bucket->counted_ms) * tokens_per_ms;
    if (missing < 0)
        missing = 0;
    if (missing > capacity) // the capacity was larger before
        missing = capacity;

    struct rate_verdict verdict = {.is_allowed = missing + 1 <= capacity};
    if (verdict.is_allowed)
        missing += 1;
    else
        verdict.wait_ms = (int64_t)((missing + 1 - capacity) / tokens_per_ms) + 1;
    verdict.left = (uint32_t)(capacity - missing);
    verdict.full_ms = (int64_t)(missing / tokens_per_ms) + 1;
    bucket->missing = missing;
    bucket->counted_ms = now_ms;
    return verdict;
}

void rate_give_back(struct rate_bucket *bucket)
{
    bucket->missing = bucket->missing > 1 ? bucket->missing - 1 : 0;
}
