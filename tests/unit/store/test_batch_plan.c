// What the batcher decides, without a database.
#include "store/batch_plan.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(batch_plan, starts_at_once_when_nothing_is_in_flight)
{
    cr_assert(batch_plan_start(1, 0, 2, 200));
    cr_assert(not(batch_plan_start(0, 0, 2, 200)));
}

Test(batch_plan, collects_during_a_commit_until_another_batch_is_worth_it)
{
    cr_assert(not(batch_plan_start(99, 1, 2, 200)));
    cr_assert(batch_plan_start(100, 1, 2, 200));
}

Test(batch_plan, has_no_more_in_flight_than_there_are_lanes)
{
    cr_assert(not(batch_plan_start(5000, 2, 2, 200)));
}

Test(batch_plan, fills_a_batch_up_to_its_rows_and_bytes)
{
    cr_assert(batch_plan_fits(2, 400, 600, 200, 1000));
    cr_assert(not(batch_plan_fits(2, 401, 600, 200, 1000)));
    cr_assert(not(batch_plan_fits(200, 0, 1, 200, 1000)));
}

Test(batch_plan, takes_an_oversized_item_alone)
{
    cr_assert(batch_plan_fits(0, 0, 5000, 200, 1000));
    cr_assert(not(batch_plan_fits(1, 5000, 1, 200, 1000)));
}

Test(batch_plan, answers_a_committed_batch)
{
    cr_assert(eq(int, batch_plan_step(ERR_OK, 200, false), BATCH_ANSWER));
}

Test(batch_plan, halves_a_batch_with_a_bad_row_until_the_row_is_alone)
{
    cr_assert(eq(int, batch_plan_step(ERR_POISONED, 2, false), BATCH_SPLIT));
    cr_assert(eq(int, batch_plan_step(ERR_POISONED, 1, true), BATCH_FAIL));
    cr_assert(eq(int, batch_plan_step(ERR_INTERNAL, 7, false), BATCH_SPLIT));
}

Test(batch_plan, runs_batches_again_that_may_have_committed_or_conflicted)
{
    cr_assert(eq(int, batch_plan_step(ERR_UNKNOWN_OUTCOME, 9, false), BATCH_AGAIN));
    cr_assert(eq(int, batch_plan_step(ERR_CONCURRENT, 9, false), BATCH_AGAIN));
}

Test(batch_plan, lets_items_with_locked_rows_wait_alone)
{
    cr_assert(eq(int, batch_plan_step(ERR_LOCKED, 9, false), BATCH_PART));
    cr_assert(eq(int, batch_plan_step(ERR_LOCKED, 9, true), BATCH_AGAIN));
    cr_assert(eq(int, batch_plan_step(ERR_LOCKED, 1, true), BATCH_AGAIN));
}

Test(batch_plan, gives_up_items_that_were_not_sent)
{
    cr_assert(eq(int, batch_plan_step(ERR_UNAVAILABLE, 9, false), BATCH_GIVE_UP));
    cr_assert(eq(int, batch_plan_step(ERR_BUSY, 9, false), BATCH_GIVE_UP));
}
