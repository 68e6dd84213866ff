// What the batcher decides, without a database.
#include "store/batch_plan.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(batch_plan, takes_everything_that_fits)
{
    const uint32_t weights[] = {10, 20, 30};

    cr_assert(eq(sz, batch_plan_size(weights, 3, 200, 1000), 3));
}

Test(batch_plan, stops_at_the_row_limit)
{
    const uint32_t weights[] = {1, 1, 1, 1, 1};

    cr_assert(eq(sz, batch_plan_size(weights, 5, 3, 1000), 3));
}

Test(batch_plan, stops_before_the_item_that_would_pass_the_byte_limit)
{
    const uint32_t weights[] = {400, 500, 200};

    cr_assert(eq(sz, batch_plan_size(weights, 3, 200, 1000), 2));
}

Test(batch_plan, takes_an_oversized_first_item_alone)
{
    const uint32_t weights[] = {5000, 1};

    cr_assert(eq(sz, batch_plan_size(weights, 2, 200, 1000), 1));
}

Test(batch_plan, answers_a_committed_batch)
{
    cr_assert(eq(int, batch_plan_step(ERR_OK, 200), BATCH_ANSWER));
}

Test(batch_plan, halves_a_batch_with_a_bad_row_until_the_row_is_alone)
{
    cr_assert(eq(int, batch_plan_step(ERR_POISONED, 2), BATCH_SPLIT));
    cr_assert(eq(int, batch_plan_step(ERR_POISONED, 1), BATCH_FAIL));
    cr_assert(eq(int, batch_plan_step(ERR_INTERNAL, 7), BATCH_SPLIT));
}

Test(batch_plan, runs_again_what_may_have_committed_or_was_in_the_way)
{
    cr_assert(eq(int, batch_plan_step(ERR_UNKNOWN_OUTCOME, 9), BATCH_AGAIN));
    cr_assert(eq(int, batch_plan_step(ERR_CONCURRENT, 9), BATCH_AGAIN));
}

Test(batch_plan, lets_callers_go_when_nothing_was_sent)
{
    cr_assert(eq(int, batch_plan_step(ERR_UNAVAILABLE, 9), BATCH_GIVE_UP));
    cr_assert(eq(int, batch_plan_step(ERR_BUSY, 9), BATCH_GIVE_UP));
}
