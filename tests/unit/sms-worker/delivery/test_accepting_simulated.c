// Simulates credit, placement and the batcher's plan together, with one gateway, three workers that
// crash, and a database that fails. Whatever happens, every text is stored, no worker gets more than its
// credit, and a bad row does not fail other rows. 200 runs, each from its own seed. That a repetition
// is not stored again is for the database to decide; a model test of it is in tests/e2e/inbound.
#include "bus/gateway/credit.h"
#include "bus/gateway/placement.h"
#include "store/batch_plan.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum {
    SEEDS = 200,
    WORKERS = 3,
    TEXTS = 300,
    CREDIT = 16,
    CREDIT_BYTES = 4096,
    ROWS = 8,
    ROUNDS = 20000
};

enum place { AT_CLIENT, AT_WORKER, ANSWERED, REFUSED };

struct text {
    enum place place;
    uint64_t key;
    uint32_t bytes;
    bool poison, stored;
};

struct worker {
    struct credit credit;
    size_t queue[CREDIT], count;
    uint64_t incarnation;
};

struct world {
    struct random random;
    uint64_t seed;
    bool faults;
    struct text texts[TEXTS];
    struct worker workers[WORKERS];
};

static bool happens(struct world *world, unsigned percent)
{
    return world->faults && random_below(&world->random, 100) < percent;
}

static void worker_start(struct world *world, struct worker *worker)
{
    worker->incarnation = random_next(&world->random);
    worker->count = 0;
    credit_grant(&worker->credit, CREDIT, CREDIT_BYTES);
}

static void worker_crash(struct world *world, struct worker *worker)
{
    for (size_t i = 0; i < worker->count; i++) {
        struct text *text = &world->texts[worker->queue[i]];
        if (text->place == AT_WORKER)
            text->place = AT_CLIENT; // it got 503 or no answer, and sends the text again
    }
    worker_start(world, worker);
}

// False: no worker has credit.
static bool text_send(struct world *world, size_t number)
{
    struct placement_candidate candidates[WORKERS];
    struct text *text = &world->texts[number];

    for (size_t i = 0; i < WORKERS; i++)
        candidates[i] =
            (struct placement_candidate){.worker = world->workers[i].incarnation,
                                         .eligible = credit_available(&world->workers[i].credit)};
    int chosen = placement_choose(text->key, candidates, WORKERS);
    if (chosen < 0)
        return false;
    struct worker *worker = &world->workers[chosen];
    if (!credit_take(&worker->credit, text->bytes))
        return true; // it waits for more credit; a smaller one may be sent
    cr_assert(lt(sz, worker->count, CREDIT), "seed %llu: more than was granted",
              (unsigned long long)world->seed);
    worker->queue[worker->count++] = number;
    text->place = AT_WORKER;
    return true;
}

static void rows_end(struct world *world, struct worker *worker, const size_t *rows, size_t count,
                     enum place place)
{
    for (size_t i = 0; i < count; i++) {
        world->texts[rows[i]].place = place;
        credit_return(&worker->credit, world->texts[rows[i]].bytes);
    }
}

// One transaction: all rows or none, and the result may be lost.
static enum err_code commit(struct world *world, const size_t *rows, size_t count)
{
    bool lost = happens(world, 5);

    if (lost && happens(world, 50))
        return ERR_UNKNOWN_OUTCOME;
    if (happens(world, 5))
        return ERR_CONCURRENT;
    if (happens(world, 5))
        return ERR_UNAVAILABLE;
    for (size_t i = 0; i < count; i++)
        if (world->texts[rows[i]].poison)
            return ERR_POISONED;
    for (size_t i = 0; i < count; i++)
        world->texts[rows[i]].stored = true;
    return lost ? ERR_UNKNOWN_OUTCOME : ERR_OK;
}

// False: the worker died during it.
static bool batch_run(struct world *world, struct worker *worker, const size_t *rows, size_t count)
{
    enum err_code outcome = commit(world, rows, count);

    if (happens(world, 2))
        return false;
    switch (batch_plan_step(outcome, count, count == 1)) {
    case BATCH_ANSWER: rows_end(world, worker, rows, count, ANSWERED); return true;
    case BATCH_SPLIT:
    case BATCH_PART:
        return batch_run(world, worker, rows, count / 2) &&
               batch_run(world, worker, rows + count / 2, count - count / 2);
    case BATCH_AGAIN: return batch_run(world, worker, rows, count);
    case BATCH_GIVE_UP: rows_end(world, worker, rows, count, AT_CLIENT); return true;
    case BATCH_FAIL: rows_end(world, worker, rows, count, REFUSED); return true;
    }
    return true;
}

static void worker_turn(struct world *world, struct worker *worker)
{
    size_t rows[ROWS], count = 0, bytes = 0;

    while (count < worker->count &&
           batch_plan_fits(count, bytes, world->texts[worker->queue[count]].bytes, ROWS,
                           CREDIT_BYTES / 2)) {
        bytes += world->texts[worker->queue[count]].bytes;
        rows[count] = worker->queue[count];
        count++;
    }
    if (count == 0)
        return;
    if (!batch_run(world, worker, rows, count)) {
        worker_crash(world, worker);
        return;
    }
    worker->count -= count;
    memmove(worker->queue, worker->queue + count, worker->count * sizeof worker->queue[0]);
}

static size_t texts_at(const struct world *world, enum place place)
{
    size_t count = 0;

    for (size_t i = 0; i < TEXTS; i++)
        count += world->texts[i].place == place;
    return count;
}

static void world_make(struct world *world, uint64_t seed)
{
    *world = (struct world){.seed = seed, .random = {seed}, .faults = true};
    for (size_t i = 0; i < TEXTS; i++)
        world->texts[i] = (struct text){.key = random_next(&world->random),
                                        .bytes = 20 + (uint32_t)random_below(&world->random, 2000),
                                        .poison = random_below(&world->random, 50) == 0};
    for (size_t i = 0; i < WORKERS; i++)
        worker_start(world, &world->workers[i]);
}

static void world_judge(const struct world *world)
{
    for (size_t i = 0; i < TEXTS; i++) {
        const struct text *text = &world->texts[i];
        cr_assert(eq(int, text->place, text->poison ? REFUSED : ANSWERED), "seed %llu: text %zu",
                  (unsigned long long)world->seed, i);
        cr_assert(eq(int, text->stored, !text->poison), "seed %llu: text %zu",
                  (unsigned long long)world->seed, i);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        cr_assert(eq(u32, world->workers[i].credit.messages, CREDIT), "seed %llu: credit is lost",
                  (unsigned long long)world->seed);
        cr_assert(eq(u32, world->workers[i].credit.bytes, CREDIT_BYTES),
                  "seed %llu: credit is lost", (unsigned long long)world->seed);
    }
}

Test(accepting_simulated, stores_every_text_once_whatever_fails)
{
    static struct world world;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        world_make(&world, seed);
        int round = 0;
        for (; texts_at(&world, ANSWERED) + texts_at(&world, REFUSED) < TEXTS && round < ROUNDS;
             round++) {
            world.faults = round < 200;
            for (size_t i = 0; i < TEXTS; i++)
                if (world.texts[i].place == AT_CLIENT && random_below(&world.random, 4) == 0 &&
                    !text_send(&world, i))
                    break;
            if (happens(&world, 5))
                worker_crash(&world, &world.workers[random_below(&world.random, WORKERS)]);
            worker_turn(&world, &world.workers[random_below(&world.random, WORKERS)]);
        }
        world_judge(&world);
    }
}
