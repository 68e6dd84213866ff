// Where a claim starts to look for rows.
#include "sms-worker/pacing/claim_floor.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(claim_floor, lets_the_first_claim_look_at_everything)
{
    struct claim_floor floor = {0};

    cr_assert(eq(i64, claim_floor_take(&floor), 0));
}

Test(claim_floor, starts_a_little_before_the_newest_row_that_was_claimed)
{
    struct claim_floor floor = {0};
    claim_floor_note(&floor, 10000000);
    claim_floor_note(&floor, 9000000);

    cr_assert(eq(i64, claim_floor_take(&floor), 8000000));
    cr_assert(eq(i64, claim_floor_take(&floor), 8000000));
}

Test(claim_floor, is_lowered_for_one_claim_to_the_oldest_reported_row)
{
    struct claim_floor floor = {0};
    claim_floor_note(&floor, 10000000);

    claim_floor_lower(&floor, 6000000);
    claim_floor_lower(&floor, 5000000);
    claim_floor_lower(&floor, 7000000);

    cr_assert(eq(i64, claim_floor_take(&floor), 3000000));
    cr_assert(eq(i64, claim_floor_take(&floor), 8000000));
}

Test(claim_floor, is_never_raised_by_reported_rows)
{
    struct claim_floor floor = {0};
    claim_floor_note(&floor, 10000000);

    claim_floor_lower(&floor, 20000000);

    cr_assert(eq(i64, claim_floor_take(&floor), 8000000));
}

Test(claim_floor, is_reset_for_one_claim)
{
    struct claim_floor floor = {0};
    claim_floor_note(&floor, 10000000);

    claim_floor_reset(&floor);

    cr_assert(eq(i64, claim_floor_take(&floor), 0));
    cr_assert(eq(i64, claim_floor_take(&floor), 8000000));
}
