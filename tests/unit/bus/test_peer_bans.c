#include "bus/gateway/peer_bans.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static void offend(struct peer_bans *bans, struct str peer, int count, int64_t now_ms)
{
    for (int i = 0; i < count; i++)
        peer_bans_note(bans, peer, now_ms);
}

Test(bans, bans_a_peer_after_ten_offences_in_a_minute)
{
    struct peer_bans bans = {0};

    offend(&bans, STR("a"), 9, 1000);
    cr_assert(not(peer_bans_has(&bans, STR("a"), 1000)));
    offend(&bans, STR("a"), 1, 50000);
    cr_assert(peer_bans_has(&bans, STR("a"), 50001));
    cr_assert(not(peer_bans_has(&bans, STR("b"), 50001)));
}

Test(bans, lifts_the_ban_after_a_minute)
{
    struct peer_bans bans = {0};

    offend(&bans, STR("a"), 10, 1000);

    cr_assert(peer_bans_has(&bans, STR("a"), 1000 + 59999));
    cr_assert(not(peer_bans_has(&bans, STR("a"), 1000 + 60000)));
}

Test(bans, forgets_offences_that_are_far_apart)
{
    struct peer_bans bans = {0};

    for (int i = 0; i < 50; i++)
        offend(&bans, STR("a"), 1, 1000 + i * 7000);

    cr_assert(not(peer_bans_has(&bans, STR("a"), 1000 + 50 * 7000)));
}

Test(bans, forgets_the_oldest_when_strangers_fill_the_table)
{
    struct peer_bans bans = {0};
    offend(&bans, STR("a"), 10, 1000);

    for (int i = 0; i < PEER_BANS_LIMIT; i++)
        offend(&bans, str_make(&i, sizeof i), 10, 2000 + i);

    int last = PEER_BANS_LIMIT - 1;
    cr_assert(peer_bans_has(&bans, str_make(&last, sizeof last), 3000));
    cr_assert(not(peer_bans_has(&bans, STR("a"), 3000)));
}
