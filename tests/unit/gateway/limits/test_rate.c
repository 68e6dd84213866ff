#include "gateway/limits/rate.h"

#include "rows.h"

static int taken(struct rate_bucket *bucket, int attempts, int64_t now_ms)
{
    int count = 0;

    for (int i = 0; i < attempts; i++)
        count += rate_take(bucket, 120, 60, now_ms).is_allowed;
    return count;
}

Test(rate, gives_a_full_bucket_at_once_and_then_refuses)
{
    struct rate_bucket bucket = {0};

    cr_assert(eq(int, taken(&bucket, 500, 1000000), 120));
}

Test(rate, refills_evenly_and_never_above_the_capacity)
{
    struct rate_bucket bucket = {0};

    taken(&bucket, 120, 1000000);
    cr_assert(eq(int, taken(&bucket, 500, 1000000 + 10000), 20));
    cr_assert(eq(int, taken(&bucket, 500, 1000000 + 3600000), 120));
}

Test(rate, gives_the_time_until_the_next_token)
{
    struct rate_bucket bucket = {0};
    taken(&bucket, 120, 5000);
    struct rate_verdict refused = rate_take(&bucket, 120, 60, 5000);
    cr_assert(not(refused.is_allowed));
    cr_assert(le(i64, refused.wait_ms, 502));
    cr_assert(rate_take(&bucket, 120, 60, 5000 + refused.wait_ms).is_allowed);
}

Test(rate, has_no_limit_if_the_capacity_is_zero)
{
    struct rate_bucket bucket = {0};

    for (int i = 0; i < 10000; i++)
        cr_assert(rate_take(&bucket, 0, 60, 5000).is_allowed);
}

Test(rate, gives_the_remaining_tokens_and_the_time_when_it_is_full)
{
    struct rate_bucket bucket = {0};
    struct rate_verdict verdict = rate_take(&bucket, 120, 60, 5000);

    cr_assert(eq(u32, verdict.left, 119));
    cr_assert(le(i64, verdict.full_ms, 501));
    taken(&bucket, 118, 5000);
    cr_assert(eq(u32, rate_take(&bucket, 120, 60, 5000).left, 0));
    cr_assert(ge(i64, rate_take(&bucket, 120, 60, 5000).full_ms, 60000));
}

Test(rate, takes_back_only_unused_tokens)
{
    struct rate_bucket bucket = {0};

    taken(&bucket, 120, 5000);
    rate_give_back(&bucket);
    cr_assert(eq(int, taken(&bucket, 5, 5000), 1));
    for (int i = 0; i < 200; i++)
        rate_give_back(&bucket);
    cr_assert(eq(int, taken(&bucket, 500, 5000), 120));
}
