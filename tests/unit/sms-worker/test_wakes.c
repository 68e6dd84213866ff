// When the retries of a destination fall due.
#include "sms-worker/wakes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(wakes, never_wakes_when_nobody_waits)
{
    struct wakes wakes = {0};

    cr_assert(eq(i64, wakes_next_ms(&wakes), 0));
    cr_assert(not(wakes_take(&wakes, 1000000)));
}

Test(wakes, wakes_each_in_turn_and_never_too_soon)
{
    struct wakes wakes = {0};
    wakes_add(&wakes, 100000, 3000);
    wakes_add(&wakes, 100100, 1000);

    cr_assert(ge(i64, wakes_next_ms(&wakes), 101100));
    cr_assert(le(i64, wakes_next_ms(&wakes), 101350));
    cr_assert(not(wakes_take(&wakes, 101000)));
    cr_assert(wakes_take(&wakes, 101350));
    cr_assert(ge(i64, wakes_next_ms(&wakes), 103000));
    cr_assert(wakes_take(&wakes, 103250));
    cr_assert(eq(i64, wakes_next_ms(&wakes), 0));
}

Test(wakes, wakes_those_it_missed_together)
{
    struct wakes wakes = {0};
    for (int64_t delay_ms = 0; delay_ms < 5000; delay_ms += 100)
        wakes_add(&wakes, 100000, delay_ms);

    cr_assert(wakes_take(&wakes, 200000));
    cr_assert(not(wakes_take(&wakes, 200000)));
}

Test(wakes, leaves_what_is_far_ahead_to_the_sweep)
{
    struct wakes wakes = {0};

    wakes_add(&wakes, 100000, 3600000);

    cr_assert(eq(i64, wakes_next_ms(&wakes), 0));
}

Test(wakes, goes_on_for_ever_while_somebody_always_waits)
{
    struct wakes wakes = {0};
    wakes_add(&wakes, 100000, 1000);

    for (int64_t now_ms = 100500; now_ms < 200000; now_ms += 500) {
        wakes_add(&wakes, now_ms, 1000);
        cr_assert(ne(i64, wakes_next_ms(&wakes), 0));
        wakes_take(&wakes, now_ms);
        cr_assert(le(i64, wakes_next_ms(&wakes), now_ms + 1250));
    }
}
