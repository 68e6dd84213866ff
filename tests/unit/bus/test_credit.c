#include "bus/gateway/credit.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(credit, takes_one_message_and_its_bytes_and_gets_both_back)
{
    struct credit credit;
    credit_grant(&credit, 2, 1000);

    cr_assert(credit_take(&credit, 300));

    cr_assert(eq(u32, credit.messages, 1));
    cr_assert(eq(u32, credit.bytes, 700));
    credit_return(&credit, 300);
    cr_assert(eq(u32, credit.messages, 2));
    cr_assert(eq(u32, credit.bytes, 1000));
}

Test(credit, refuses_a_request_beyond_the_granted_messages)
{
    struct credit credit;
    credit_grant(&credit, 1, 1000);
    cr_assert(credit_take(&credit, 1));

    cr_assert(not(credit_take(&credit, 1)));
    cr_assert(not(credit_available(&credit)));
}

Test(credit, refuses_a_request_beyond_the_granted_bytes_and_takes_nothing)
{
    struct credit credit;
    credit_grant(&credit, 10, 1000);
    cr_assert(credit_take(&credit, 800));

    cr_assert(not(credit_take(&credit, 300)));

    cr_assert(eq(u32, credit.messages, 9));
    cr_assert(eq(u32, credit.bytes, 200));
}

Test(credit, lets_a_request_larger_than_the_whole_grant_pass_alone)
{
    struct credit credit;
    credit_grant(&credit, 10, 1000);

    cr_assert(credit_take(&credit, 5000));
    cr_assert(not(credit_take(&credit, 1)));
    credit_return(&credit, 5000);
    cr_assert(credit_take(&credit, 1));
    cr_assert(not(credit_take(&credit, 5000)));
}

Test(credit, never_goes_below_zero_nor_above_the_grant_in_any_order)
{
    enum { SEEDS = 200, STEPS = 500 };

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random random = {.state = seed};
        struct credit credit;
        size_t out[64], count = 0;
        credit_grant(&credit, 1 + (uint32_t)random_below(&random, 60), 4096);

        for (int step = 0; step < STEPS; step++) {
            size_t bytes = random_below(&random, 6000);
            if (random_below(&random, 2) && credit_take(&credit, bytes))
                out[count++] = bytes;
            else if (count > 0)
                credit_return(&credit, out[--count]);
            cr_assert(le(u32, credit.bytes, 4096), "seed %lu", (unsigned long)seed);
            cr_assert(eq(u32, credit.messages + (uint32_t)count, credit.messages_granted));
        }
        while (count > 0)
            credit_return(&credit, out[--count]);
        cr_assert(eq(u32, credit.bytes, 4096));
    }
}
