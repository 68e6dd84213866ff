#include "bus/gateway/placement.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { WORKERS = 5, KEYS = 2000 };

static void workers_make(struct placement_candidate *workers)
{
    struct random random = {.state = 11};

    for (int i = 0; i < WORKERS; i++)
        workers[i] = (struct placement_candidate){.worker = random_next(&random), .eligible = true};
}

Test(placement, chooses_no_worker_when_none_is_eligible)
{
    struct placement_candidate workers[WORKERS];
    workers_make(workers);
    for (int i = 0; i < WORKERS; i++)
        workers[i].eligible = false;

    cr_assert(eq(int, placement_choose(7, workers, WORKERS), -1));
    cr_assert(eq(int, placement_choose(7, workers, 0), -1));
}

Test(placement, gives_a_key_to_the_same_worker_wherever_it_is_in_the_table)
{
    struct placement_candidate workers[WORKERS], turned[WORKERS];
    workers_make(workers);
    for (int i = 0; i < WORKERS; i++)
        turned[i] = workers[WORKERS - 1 - i];

    for (uint64_t key = 1; key < KEYS; key++)
        cr_assert(eq(int, placement_choose(key, workers, WORKERS),
                     WORKERS - 1 - placement_choose(key, turned, WORKERS)));
}

Test(placement, spreads_keys_evenly)
{
    struct placement_candidate workers[WORKERS];
    int got[WORKERS] = {0};
    workers_make(workers);

    for (uint64_t key = 1; key <= KEYS; key++)
        got[placement_choose(key, workers, WORKERS)]++;

    for (int i = 0; i < WORKERS; i++) {
        cr_assert(gt(int, got[i], KEYS / WORKERS * 8 / 10));
        cr_assert(lt(int, got[i], KEYS / WORKERS * 12 / 10));
    }
}

Test(placement, moves_only_the_keys_of_a_worker_that_leaves)
{
    struct placement_candidate workers[WORKERS], without[WORKERS];
    workers_make(workers);
    workers_make(without);
    without[2].eligible = false;

    for (uint64_t key = 1; key <= KEYS; key++) {
        int before = placement_choose(key, workers, WORKERS);
        int after = placement_choose(key, without, WORKERS);
        cr_assert(before == 2 ? after != 2 : after == before);
    }
}

Test(placement, gives_a_request_without_a_key_to_the_least_loaded)
{
    struct placement_candidate workers[WORKERS];
    workers_make(workers);
    for (int i = 0; i < WORKERS; i++)
        workers[i].load = (uint32_t)(10 - i);
    workers[4].eligible = false;

    cr_assert(eq(int, placement_choose(0, workers, WORKERS), 3));
}
