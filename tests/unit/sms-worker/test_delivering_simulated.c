// Schedule, window, breaker, retry and claim floor together, on a virtual clock: two workers that
// crash, four destinations that refuse, hang and fall dead, and a queue as PostgreSQL keeps it, with
// leases and epochs. Whatever happens, every answer arrives, in the order of its conversation, and
// twice only when its request had left and nobody knew. 200 worlds, each made by its seed.
#include "sms-worker/breaker.h"
#include "sms-worker/claim_floor.h"
#include "sms-worker/retry.h"
#include "sms-worker/schedule.h"
#include "sms-worker/window.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum {
    SEEDS = 200,
    WORKERS = 2,
    DESTINATIONS = 4,
    TALKS = 5, // conversations of each destination
    ANSWERS = 160,
    WINDOW = 6,
    TRANSFERS = 12, // of a worker
    TICK_MS = 250,
    FAULTS_MS = 120 * 1000,
    LEASE_MS = 30 * 1000,
    SWEEP_MS = 5000,
    END_MS = 30 * 60 * 1000,
};

struct answer { // a row of delivery
    int destination, talk;
    int64_t due_ms, lease_until_ms;
    int epoch, attempt, received, unclear; // unclear: its request left, its outcome was not stored
    bool done;
};

enum end { GOOD, REFUSED, NO_CONNECTION, UNANSWERED };

struct transfer {
    struct answer *answer; // NULL: free
    int epoch;
    int64_t ends_ms;
    enum end end;
};

struct link { // what a worker knows of a destination
    struct schedule_entry entry;
    struct window window;
    struct breaker breaker;
    struct retry_budget budget;
    struct claim_floor floor;
    unsigned in_flight;
};

struct worker {
    struct schedule schedule;
    struct link links[DESTINATIONS];
    struct transfer transfers[TRANSFERS];
};

struct world {
    uint64_t seed;
    struct random random;
    int64_t now_ms;
    struct answer answers[ANSWERS]; // oldest first
    struct worker workers[WORKERS];
    struct {
        int64_t not_before_ms;
        unsigned failures;
        int last[TALKS]; // the latest answer that arrived
    } destinations[DESTINATIONS];
};

static bool in_trouble(const struct world *world)
{
    return world->now_ms < FAULTS_MS;
}

static void worker_start(struct worker *worker)
{
    schedule_init(&worker->schedule, 2);
    for (int i = 0; i < DESTINATIONS; i++) {
        worker->links[i] = (struct link){0};
        window_init(&worker->links[i].window, WINDOW);
        retry_budget_init(&worker->links[i].budget);
    }
    for (int i = 0; i < TRANSFERS; i++)
        worker->transfers[i] = (struct transfer){0};
}

static void worker_crash(struct worker *worker)
{
    for (int i = 0; i < TRANSFERS; i++)
        if (worker->transfers[i].answer)
            worker->transfers[i].answer->unclear++;
    for (int i = 0; i < DESTINATIONS; i++)
        schedule_remove(&worker->links[i].entry);
    schedule_release(&worker->schedule);
    worker_start(worker);
}

static bool is_oldest_of_its_talk(const struct world *world, const struct answer *answer)
{
    for (const struct answer *older = world->answers; older < answer; older++)
        if (!older->done && older->destination == answer->destination &&
            older->talk == answer->talk)
            return false;
    return true;
}

// The claim: the first row that is due behind the floor, or NULL.
static struct answer *claim(struct world *world, int destination, int64_t floor_us)
{
    if (world->destinations[destination].not_before_ms > world->now_ms)
        return NULL;
    for (size_t i = 0; i < ANSWERS; i++) {
        struct answer *answer = &world->answers[i];
        if (answer->destination == destination && !answer->done &&
            answer->due_ms <= world->now_ms && answer->due_ms * 1000 > floor_us &&
            answer->lease_until_ms <= world->now_ms && is_oldest_of_its_talk(world, answer)) {
            if (world->destinations[destination].failures > 0) // the probe
                world->destinations[destination].not_before_ms = world->now_ms + LEASE_MS;
            answer->lease_until_ms = world->now_ms + LEASE_MS;
            answer->epoch++;
            return answer;
        }
    }
    return NULL;
}

static void arrive(struct world *world, struct answer *answer)
{
    int number = (int)(answer - world->answers);
    int *last = &world->destinations[answer->destination].last[answer->talk];

    cr_assert(answer->received > 0 || *last <= number, "seed %llu: %d came behind %d",
              (unsigned long long)world->seed, number, *last);
    if (number > *last)
        *last = number;
    answer->received++;
}

// What becomes of a request. In times of trouble, destination 1 is dead, 2 refuses, 3 does not answer.
static enum end fate(struct world *world, struct answer *answer)
{
    uint64_t luck = random_below(&world->random, 10);
    enum end end = GOOD;

    if (in_trouble(world) && answer->destination > 0 && luck < 8)
        end = (enum end[]){GOOD, NO_CONNECTION, REFUSED, UNANSWERED}[answer->destination];
    if (end == GOOD || end == UNANSWERED)
        arrive(world, answer);
    return end;
}

static void send(struct world *world, struct worker *worker, struct answer *answer)
{
    struct link *link = &worker->links[answer->destination];

    for (int i = 0; i < TRANSFERS; i++)
        if (!worker->transfers[i].answer) {
            enum end end = fate(world, answer);
            worker->transfers[i] = (struct transfer){
                .answer = answer,
                .epoch = answer->epoch,
                .end = end,
                .ends_ms =
                    world->now_ms +
                    (end == UNANSWERED ? 10000 : (int64_t)random_below(&world->random, 2000))};
            link->in_flight++;
            if (answer->attempt == 0)
                retry_budget_fresh(&link->budget);
            cr_assert(le(u32, link->in_flight, window_limit(&link->window)),
                      "seed %llu: beyond the window", (unsigned long long)world->seed);
            return;
        }
}

static bool has_free_transfer(const struct worker *worker)
{
    for (int i = 0; i < TRANSFERS; i++)
        if (!worker->transfers[i].answer)
            return true;
    return false;
}

static void send_all(struct world *world, struct worker *worker)
{
    struct schedule_entry *entry;

    for (int i = 0; i < DESTINATIONS; i++) {
        schedule_add(&worker->schedule, &worker->links[i].entry, (uint32_t)i % 2, SCHEDULE_FAST);
        if (world->now_ms % SWEEP_MS == 0)
            claim_floor_lift(&worker->links[i].floor);
    }
    while (has_free_transfer(worker) && (entry = schedule_next(&worker->schedule, SCHEDULE_FAST))) {
        struct link *link = CONTAINER_OF(entry, struct link, entry);
        int destination = (int)(link - worker->links);
        struct answer *answer = link->in_flight < window_limit(&link->window)
                                    ? claim(world, destination, claim_floor_take(&link->floor))
                                    : NULL;
        if (!answer) {
            schedule_remove(entry);
            continue;
        }
        claim_floor_note(&link->floor, answer->due_ms * 1000);
        claim_floor_lower(&link->floor, answer->due_ms * 1000); // there may be more
        schedule_charge(entry, 1);
        send(world, worker, answer);
    }
}

static void note(struct world *world, struct link *link, int destination, enum end end)
{
    static const enum breaker_sample samples[] = {BREAKER_GOOD, BREAKER_BAD,
                                                  BREAKER_CONNECT_FAILURE, BREAKER_BAD};
    unsigned *failures = &world->destinations[destination].failures;

    if (end == NO_CONNECTION)
        window_connect_failure(&link->window);
    else if (end == GOOD)
        window_success(&link->window);
    cr_assert(window_limit(&link->window) >= 1 && window_limit(&link->window) <= WINDOW);
    bool opens =
        breaker_note(&link->breaker, samples[end], window_limit(&link->window), world->now_ms);
    if (end == GOOD && *failures > 0) {
        *failures = 0;
        world->destinations[destination].not_before_ms = 0;
        breaker_reset(&link->breaker);
        claim_floor_lift(&link->floor);
    } else if (opens || (*failures > 0 && end != GOOD)) {
        world->destinations[destination].not_before_ms =
            world->now_ms + breaker_delay_ms((*failures)++, &world->random);
        breaker_reset(&link->breaker);
    }
}

static void complete(struct world *world, struct link *link, const struct transfer *transfer)
{
    struct answer *answer = transfer->answer;

    if (answer->epoch != transfer->epoch) { // somebody else has it since
        answer->unclear++;
        return;
    }
    answer->lease_until_ms = 0;
    if (transfer->end == GOOD) {
        cr_assert(not(answer->done), "seed %llu: stored twice", (unsigned long long)world->seed);
        answer->done = true;
        claim_floor_lower(&link->floor, answer->attempt == 0 ? answer->due_ms * 1000 : 0);
        return;
    }
    answer->unclear += transfer->end == UNANSWERED;
    bool in_budget = retry_budget_take(&link->budget);
    int64_t delay_ms = retry_delay_ms(&retry_profile_sms, RETRY_CLASS_RETRY,
                                      (unsigned)answer->attempt++, -1, in_budget, &world->random);
    cr_assert(delay_ms >= retry_profile_sms.base_ms / 2 &&
              delay_ms <= (in_budget ? 1 : 4) * retry_profile_sms.cap_ms);
    answer->due_ms = world->now_ms + delay_ms;
}

static void answers_take(struct world *world, struct worker *worker)
{
    for (int i = 0; i < TRANSFERS; i++) {
        struct transfer transfer = worker->transfers[i];
        if (!transfer.answer || transfer.ends_ms > world->now_ms)
            continue;
        struct link *link = &worker->links[transfer.answer->destination];
        worker->transfers[i] = (struct transfer){0};
        link->in_flight--;
        note(world, link, transfer.answer->destination, transfer.end);
        complete(world, link, &transfer);
    }
}

static bool all_is_done(const struct world *world)
{
    for (int i = 0; i < ANSWERS; i++)
        if (!world->answers[i].done)
            return false;
    return true;
}

static void world_make(struct world *world, uint64_t seed)
{
    *world = (struct world){.seed = seed, .random = {seed}};
    for (int i = 0; i < ANSWERS; i++)
        world->answers[i] =
            (struct answer){.destination = (int)random_below(&world->random, DESTINATIONS),
                            .talk = (int)random_below(&world->random, TALKS),
                            .due_ms = 1 + i * FAULTS_MS / ANSWERS};
    for (int i = 0; i < WORKERS; i++)
        worker_start(&world->workers[i]);
}

static void world_judge(const struct world *world)
{
    cr_assert(all_is_done(world), "seed %llu: not all answers went out",
              (unsigned long long)world->seed);
    for (int i = 0; i < ANSWERS; i++) {
        const struct answer *answer = &world->answers[i];
        cr_assert(answer->received >= 1 && answer->received <= 1 + answer->unclear,
                  "seed %llu: %d arrived %d times, %d times nobody knew",
                  (unsigned long long)world->seed, i, answer->received, answer->unclear);
    }
}

Test(delivering_simulated, brings_every_answer_in_order_whatever_fails, .timeout = 60)
{
    static struct world world;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        world_make(&world, seed);
        for (; world.now_ms < END_MS && !all_is_done(&world); world.now_ms += TICK_MS) {
            if (in_trouble(&world) && random_below(&world.random, 100) == 0)
                worker_crash(&world.workers[random_below(&world.random, WORKERS)]);
            for (int i = 0; i < WORKERS; i++) {
                answers_take(&world, &world.workers[i]);
                send_all(&world, &world.workers[i]);
            }
        }
        world_judge(&world);
        for (int i = 0; i < WORKERS; i++)
            worker_crash(&world.workers[i]); // frees what the schedule holds
        for (int i = 0; i < WORKERS; i++)
            schedule_release(&world.workers[i].schedule);
    }
}
