#include "gateway/rate.h"

#include "rows.h"

static int taken(struct rate_bucket *bucket, int attempts, int64_t now_ms)
{
    int64_t wait_ms;
    int count = 0;

    for (int i = 0; i < attempts; i++)
        count += rate_take(bucket, 120, 60, now_ms, &wait_ms);
    return count;
}

Test(rate, gives_a_full_bucket_at_once_and_then_refuses)
{
    struct rate_bucket bucket = {0};

    cr_assert(eq(int, taken(&bucket, 500, 1000000), 120));
}

Test(rate, gives_back_evenly_and_never_more_than_the_capacity)
{
    struct rate_bucket bucket = {0};

    taken(&bucket, 120, 1000000);
    cr_assert(eq(int, taken(&bucket, 500, 1000000 + 10000), 20));
    cr_assert(eq(int, taken(&bucket, 500, 1000000 + 3600000), 120));
}

Test(rate, says_how_long_until_the_next_one)
{
    struct rate_bucket bucket = {0};
    int64_t wait_ms = 0;

    taken(&bucket, 120, 5000);
    cr_assert(not(rate_take(&bucket, 120, 60, 5000, &wait_ms)));
    cr_assert(le(i64, wait_ms, 502));
    cr_assert(rate_take(&bucket, 120, 60, 5000 + wait_ms, &wait_ms));
}

Test(rate, has_no_limit_where_the_capacity_is_zero)
{
    struct rate_bucket bucket = {0};
    int64_t wait_ms;

    for (int i = 0; i < 10000; i++)
        cr_assert(rate_take(&bucket, 0, 60, 5000, &wait_ms));
}
