// When sending to a destination stops, and for how long.
#include "sms-worker/pacing/breaker.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { WINDOW = 20 };

// Notes `count` samples at one moment; true if the last one opened it.
static bool note(struct breaker *breaker, enum breaker_sample sample, int count, int64_t now_ms)
{
    bool opens = false;
    for (int i = 0; i < count; i++)
        opens = breaker_note(breaker, sample, WINDOW, now_ms);
    return opens;
}

Test(breaker, stays_closed_until_there_are_ten_answers)
{
    struct breaker breaker = {0};

    cr_assert(not(note(&breaker, BREAKER_BAD, 9, 1000)));
    cr_assert(note(&breaker, BREAKER_BAD, 1, 1000));
}

Test(breaker, opens_when_seven_of_ten_answers_are_failures)
{
    struct breaker breaker = {0};
    note(&breaker, BREAKER_GOOD, 4, 1000);
    cr_assert(not(note(&breaker, BREAKER_BAD, 9, 1000)));
    cr_assert(note(&breaker, BREAKER_BAD, 1, 1000));
}

Test(breaker, forgets_answers_older_than_a_minute)
{
    struct breaker breaker = {0};
    note(&breaker, BREAKER_BAD, 9, 5000);

    cr_assert(not(note(&breaker, BREAKER_BAD, 1, 70000)));
}

Test(breaker, counts_over_the_whole_minute)
{
    struct breaker breaker = {0};
    bool opens = false;

    for (int64_t i = 0; i < 10; i++)
        opens = note(&breaker, BREAKER_BAD, 1, 100000 + i * 5000);

    cr_assert(opens);
}

Test(breaker, opens_after_a_whole_window_of_failed_connections)
{
    struct breaker breaker = {0};
    bool opens = false;

    for (int i = 0; i < 3; i++)
        opens = breaker_note(&breaker, BREAKER_CONNECT_FAILURE, 3, 1000);

    cr_assert(opens);
}

Test(breaker, counts_failed_connections_only_in_a_row)
{
    struct breaker breaker = {0};
    breaker_note(&breaker, BREAKER_CONNECT_FAILURE, 3, 1000);
    breaker_note(&breaker, BREAKER_CONNECT_FAILURE, 3, 1000);
    breaker_note(&breaker, BREAKER_GOOD, 3, 1000);

    cr_assert(not(breaker_note(&breaker, BREAKER_CONNECT_FAILURE, 3, 1000)));
}

Test(breaker, stays_open_for_half_a_minute_then_doubling_to_a_quarter_of_an_hour)
{
    struct random random = {.state = 3};
    for (unsigned openings = 0; openings < 40; openings++) {
        int64_t want_ms = openings < 5 ? 30000 * (INT64_C(1) << openings) : 900000;
        int64_t delay_ms = breaker_delay_ms(openings, &random);
        cr_assert(ge(i64, delay_ms, want_ms * 3 / 4), "openings %u", openings);
        cr_assert(le(i64, delay_ms, want_ms * 5 / 4), "openings %u", openings);
    }
}
