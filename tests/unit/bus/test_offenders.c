#include "bus/offenders.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static void offend(struct offenders *offenders, struct str peer, int count, int64_t now_ms)
{
    for (int i = 0; i < count; i++)
        offenders_note(offenders, peer, now_ms);
}

Test(offenders, bans_a_peer_after_ten_offences_in_a_minute)
{
    struct offenders offenders = {0};

    offend(&offenders, STR("a"), 9, 1000);
    cr_assert(not(offenders_banned(&offenders, STR("a"), 1000)));
    offend(&offenders, STR("a"), 1, 50000);
    cr_assert(offenders_banned(&offenders, STR("a"), 50001));
    cr_assert(not(offenders_banned(&offenders, STR("b"), 50001)));
}

Test(offenders, lifts_the_ban_after_a_minute)
{
    struct offenders offenders = {0};

    offend(&offenders, STR("a"), 10, 1000);

    cr_assert(offenders_banned(&offenders, STR("a"), 1000 + 59999));
    cr_assert(not(offenders_banned(&offenders, STR("a"), 1000 + 60000)));
}

Test(offenders, forgets_offences_that_are_far_apart)
{
    struct offenders offenders = {0};

    for (int i = 0; i < 50; i++)
        offend(&offenders, STR("a"), 1, 1000 + i * 7000);

    cr_assert(not(offenders_banned(&offenders, STR("a"), 1000 + 50 * 7000)));
}

Test(offenders, forgets_the_oldest_when_strangers_fill_the_table)
{
    struct offenders offenders = {0};
    offend(&offenders, STR("a"), 10, 1000);

    for (int i = 0; i < OFFENDERS_LIMIT; i++)
        offend(&offenders, str_make(&i, sizeof i), 10, 2000 + i);

    int last = OFFENDERS_LIMIT - 1;
    cr_assert(offenders_banned(&offenders, str_make(&last, sizeof last), 3000));
    cr_assert(not(offenders_banned(&offenders, STR("a"), 3000)));
}
