// How many transfers to one destination may run at once.
#include "sms-worker/pacing/window.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(window, starts_small_and_opens_by_one_for_each_window_of_successes)
{
    struct window window;
    window_init(&window, 20);
    cr_assert(eq(u32, window_limit(&window), 5));

    for (int i = 0; i < 6; i++)
        window_success(&window);
    cr_assert(eq(u32, window_limit(&window), 6));
}

Test(window, never_opens_past_its_maximum)
{
    struct window window;
    window_init(&window, 20);

    for (int i = 0; i < 100000; i++)
        window_success(&window);

    cr_assert(eq(u32, window_limit(&window), 20));
}

Test(window, halves_when_no_connection_is_made_and_always_allows_one)
{
    struct window window;
    window_init(&window, 20);
    for (int i = 0; i < 1000; i++)
        window_success(&window);

    window_connect_failure(&window);
    cr_assert(eq(u32, window_limit(&window), 10));
    for (int i = 0; i < 100; i++)
        window_connect_failure(&window);
    cr_assert(eq(u32, window_limit(&window), 1));
}

Test(window, starts_at_a_maximum_that_is_smaller_than_its_usual_start)
{
    struct window window;
    window_init(&window, 2);
    cr_assert(eq(u32, window_limit(&window), 2));
}
