// What an answer means, and when the next attempt may be made.
#include "sms-worker/pacing/retry.h"

#include "base/attributes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(retry, knows_the_class_of_every_status)
{
    static const struct {
        int status;
        enum retry_class want;
    } rows[] = {
        {200, RETRY_CLASS_OK},        {201, RETRY_CLASS_OK},        {299, RETRY_CLASS_OK},
        {301, RETRY_CLASS_PERMANENT}, {302, RETRY_CLASS_PERMANENT}, {400, RETRY_CLASS_PERMANENT},
        {401, RETRY_CLASS_CONFIG},    {403, RETRY_CLASS_CONFIG},    {404, RETRY_CLASS_CONFIG},
        {405, RETRY_CLASS_PERMANENT}, {408, RETRY_CLASS_RETRY},     {410, RETRY_CLASS_GONE},
        {413, RETRY_CLASS_PERMANENT}, {422, RETRY_CLASS_PERMANENT}, {425, RETRY_CLASS_RETRY},
        {429, RETRY_CLASS_RETRY},     {500, RETRY_CLASS_RETRY},     {503, RETRY_CLASS_RETRY},
        {599, RETRY_CLASS_RETRY},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect(eq(int, (int)retry_class_of(rows[i].status), (int)rows[i].want), "status %d",
                  rows[i].status);
}

Test(retry, doubles_the_delay_up_to_the_cap_and_takes_half_to_all_of_it)
{
    struct random random = {.state = 1};
    for (unsigned attempt = 0; attempt < 40; attempt++) {
        int64_t ladder_ms = attempt > 10 ? 1800000 : 1000 * (INT64_C(1) << attempt);
        ladder_ms = ladder_ms > 1800000 ? 1800000 : ladder_ms;
        for (int i = 0; i < 100; i++) {
            int64_t delay_ms =
                retry_delay_ms(&retry_profile_sms, RETRY_CLASS_RETRY, attempt, -1, true, &random);
            cr_assert(ge(i64, delay_ms, ladder_ms / 2), "attempt %u", attempt);
            cr_assert(le(i64, delay_ms, ladder_ms), "attempt %u", attempt);
        }
    }
}

Test(retry, tries_a_wrong_configuration_slowly)
{
    struct random random = {.state = 1};

    int64_t delay_ms = retry_delay_ms(&retry_profile_sms, RETRY_CLASS_CONFIG, 0, -1, true, &random);

    cr_assert(ge(i64, delay_ms, 30000));
}

Test(retry, waits_as_long_as_retry_after_requests_but_no_longer_than_an_hour)
{
    struct random random = {.state = 1};

    cr_assert(eq(i64, retry_delay_ms(&retry_profile_sms, RETRY_CLASS_RETRY, 0, 120, true, &random),
                 120000));
    cr_assert(eq(i64,
                 retry_delay_ms(&retry_profile_sms, RETRY_CLASS_RETRY, 0, INT64_MAX, true, &random),
                 3600000));
}

Test(retry, is_never_sooner_because_of_retry_after)
{
    struct random random = {.state = 1};

    cr_assert(ge(i64, retry_delay_ms(&retry_profile_sms, RETRY_CLASS_RETRY, 10, 1, true, &random),
                 500000));
}

Test(retry, waits_four_times_as_long_over_budget)
{
    struct random random = {.state = 1};

    int64_t delay_ms = retry_delay_ms(&retry_profile_sms, RETRY_CLASS_RETRY, 3, -1, false, &random);

    cr_assert(ge(i64, delay_ms, 4 * 4000));
    cr_assert(le(i64, delay_ms, 4 * 8000));
}

Test(retry, waits_over_budget_as_long_as_retry_after_requests_and_not_four_times_as_long)
{
    struct random random = {.state = 1};
    static const struct {
        unsigned attempt;
        int64_t retry_after_s, want_ms;
    } rows[] = {{0, 120, 120000}, {5, 300, 300000}, {3, 3600, 3600000}, {3, 86400, 3600000}};

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect(eq(i64,
                     retry_delay_ms(&retry_profile_sms, RETRY_CLASS_RETRY, rows[i].attempt,
                                    rows[i].retry_after_s, false, &random),
                     rows[i].want_ms));
}

Test(retry, lets_a_quiet_destination_retry_at_once_and_a_failing_one_a_fifth_of_its_messages)
{
    struct retry_budget budget;
    retry_budget_init(&budget);
    unsigned at_once = 0;
    while (retry_budget_take(&budget))
        at_once++;
    cr_assert(eq(u32, at_once, 10));

    unsigned retries = 0;
    for (int i = 0; i < 1000; i++) {
        retry_budget_fresh(&budget);
        retries += retry_budget_take(&budget);
    }

    cr_assert(ge(u32, retries, 195));
    cr_assert(le(u32, retries, 200));
}
