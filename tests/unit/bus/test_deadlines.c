#include "bus/gateway/deadlines.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(deadlines, has_no_first_when_empty)
{
    struct deadlines *deadlines = deadlines_new(4);
    uint32_t index;
    int64_t at_ms;

    cr_assert(not(deadlines_first(deadlines, &index, &at_ms)));
    deadlines_remove(deadlines, 3);
    cr_assert(not(deadlines_first(deadlines, &index, &at_ms)));
    deadlines_free(&deadlines);
}

Test(deadlines, always_knows_the_earliest_whatever_comes_and_goes)
{
    enum { CAPACITY = 50, SEEDS = 100, STEPS = 1000 };

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random random = {.state = seed};
        struct deadlines *deadlines = deadlines_new(CAPACITY);
        int64_t model[CAPACITY] = {0}; // 0: not there

        for (int step = 0; step < STEPS; step++) {
            uint32_t index = (uint32_t)random_below(&random, CAPACITY), first;
            int64_t earliest_ms = INT64_MAX, first_ms;
            if (model[index] == 0)
                deadlines_add(deadlines, index,
                              model[index] = 1 + (int64_t)random_below(&random, 100));
            else
                deadlines_remove(deadlines, (model[index] = 0, index));
            for (int i = 0; i < CAPACITY; i++)
                if (model[i] && model[i] < earliest_ms)
                    earliest_ms = model[i];

            bool any = deadlines_first(deadlines, &first, &first_ms);

            cr_assert(any == (earliest_ms != INT64_MAX), "seed %lu", (unsigned long)seed);
            if (any) {
                cr_assert(eq(i64, first_ms, earliest_ms));
                cr_assert(eq(i64, model[first], earliest_ms));
            }
        }
        deadlines_free(&deadlines);
    }
}
