// The set of taken keys, and the list of held ones.
#include "store/batch_keys.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(batch_keys, knows_every_key_that_was_taken)
{
    struct batch_keys keys = {0};
    struct random random = {.state = 7};

    for (int i = 0; i < 200; i++) {
        uint64_t key = random_next(&random);
        batch_keys_take(&keys, key);
        cr_assert(batch_keys_has(&keys, key));
    }
}

Test(batch_keys, seldom_confuses_two_keys)
{
    struct batch_keys keys = {0};
    struct random random = {.state = 7};
    int mistaken = 0;

    for (int i = 0; i < 200; i++)
        batch_keys_take(&keys, random_next(&random));
    for (int i = 0; i < 10000; i++)
        mistaken += batch_keys_has(&keys, random_next(&random));
    cr_assert(lt(int, mistaken, 1000));
}

Test(batch_keys, distinguishes_neighbouring_numbers)
{
    struct batch_keys keys = {0};

    batch_keys_take(&keys, 1000);
    cr_assert(not(batch_keys_has(&keys, 1001)));
    cr_assert(not(batch_keys_has(&keys, 1000 + (UINT64_C(1) << 40))));
}

Test(batch_keys, joins_two_sets)
{
    struct batch_keys keys = {0}, others = {0};

    batch_keys_take(&keys, 1);
    batch_keys_take(&others, 2);
    batch_keys_join(&keys, &others);
    cr_assert(batch_keys_has(&keys, 1));
    cr_assert(batch_keys_has(&keys, 2));
}

Test(batch_held, knows_exactly_which_keys_are_held)
{
    struct batch_held held = {0};
    struct random random = {.state = 7};

    for (uint64_t key = 1; key <= 20; key++)
        batch_held_add(&held, key);
    for (int i = 0; i < 10000; i++)
        cr_assert(not(batch_held_has(&held, 21 + random_below(&random, 1000000))));
    batch_held_drop(&held, 7);
    batch_held_drop(&held, 1000);
    for (uint64_t key = 1; key <= 20; key++)
        cr_assert(eq(int, batch_held_has(&held, key), key != 7));
}

Test(batch_held, counts_a_key_once_and_forgets_the_first_when_it_is_full)
{
    struct batch_held held = {0};

    for (int i = 0; i < 3; i++)
        batch_held_add(&held, 1);
    batch_held_drop(&held, 1);
    cr_assert(eq(sz, held.count, 0));
    for (uint64_t key = 1; key <= BATCH_HELD_LIMIT + 1; key++)
        batch_held_add(&held, key);
    cr_assert(not(batch_held_has(&held, 1)));
    cr_assert(batch_held_has(&held, 2));
    cr_assert(batch_held_has(&held, BATCH_HELD_LIMIT + 1));
}
