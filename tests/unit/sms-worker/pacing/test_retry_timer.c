// When the retries of a destination fall due.
#include "sms-worker/pacing/retry_timer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(timer, never_fires_when_no_retry_waits)
{
    struct retry_timer timer = {0};

    cr_assert(eq(i64, retry_timer_next_ms(&timer), 0));
    cr_assert(not(retry_timer_take(&timer, 1000000)));
}

Test(timer, fires_for_each_retry_in_turn_and_never_too_soon)
{
    struct retry_timer timer = {0};
    retry_timer_add(&timer, 100000, 3000);
    retry_timer_add(&timer, 100100, 1000);

    cr_assert(ge(i64, retry_timer_next_ms(&timer), 101100));
    cr_assert(le(i64, retry_timer_next_ms(&timer), 101350));
    cr_assert(not(retry_timer_take(&timer, 101000)));
    cr_assert(retry_timer_take(&timer, 101350));
    cr_assert(ge(i64, retry_timer_next_ms(&timer), 103000));
    cr_assert(retry_timer_take(&timer, 103250));
    cr_assert(eq(i64, retry_timer_next_ms(&timer), 0));
}

Test(timer, fires_once_for_all_retries_that_it_missed)
{
    struct retry_timer timer = {0};
    for (int64_t delay_ms = 0; delay_ms < 5000; delay_ms += 100)
        retry_timer_add(&timer, 100000, delay_ms);

    cr_assert(retry_timer_take(&timer, 200000));
    cr_assert(not(retry_timer_take(&timer, 200000)));
}

Test(timer, leaves_late_retries_to_the_sweep)
{
    struct retry_timer timer = {0};

    retry_timer_add(&timer, 100000, 3600000);

    cr_assert(eq(i64, retry_timer_next_ms(&timer), 0));
}

Test(timer, continues_while_retries_wait)
{
    struct retry_timer timer = {0};
    retry_timer_add(&timer, 100000, 1000);

    for (int64_t now_ms = 100500; now_ms < 200000; now_ms += 500) {
        retry_timer_add(&timer, now_ms, 1000);
        cr_assert(ne(i64, retry_timer_next_ms(&timer), 0));
        retry_timer_take(&timer, now_ms);
        cr_assert(le(i64, retry_timer_next_ms(&timer), now_ms + 1250));
    }
}
