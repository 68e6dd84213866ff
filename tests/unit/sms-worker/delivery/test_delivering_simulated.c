// Simulates schedule, window, breaker, retry and claim floor together on a virtual clock: two workers
// that crash, four destinations that refuse, hang and die, and a queue like that of PostgreSQL, with
// leases and epochs. Whatever happens, every message arrives, in the order of its conversation, and
// twice only if its request was sent and its outcome was lost. 200 runs, each from its own seed.
#include "sms-worker/pacing/breaker.h"
#include "sms-worker/pacing/claim_floor.h"
#include "sms-worker/pacing/retry.h"
#include "sms-worker/pacing/schedule.h"
#include "sms-worker/pacing/window.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum {
    SEEDS = 200,
    WORKERS = 2,
    DESTINATIONS = 4,
    CONVERSATIONS = 5, // of each destination
    DELIVERIES = 160,
    WINDOW = 6,
    TRANSFERS = 12, // of a worker
    TICK_MS = 250,
    FAULTS_MS = 120 * 1000,
    LEASE_MS = 30 * 1000,
    SWEEP_MS = 5000,
    END_MS = 30 * 60 * 1000,
};

struct delivery { // a row of delivery
    int destination, conversation;
    int64_t due_ms, lease_until_ms;
    int epoch, attempt, received,
        unclear; // unclear: its request was sent, its outcome was not stored
    bool done;
};

enum end { GOOD, REFUSED, NO_CONNECTION, UNANSWERED };

struct transfer {
    struct delivery *delivery; // NULL: free
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
    struct delivery deliveries[DELIVERIES]; // oldest first
    struct worker workers[WORKERS];
    struct {
        int64_t not_before_ms;
        unsigned failures;
        int last[CONVERSATIONS]; // the latest delivery that arrived
    } destinations[DESTINATIONS];
};

static bool has_faults(const struct world *world)
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
        if (worker->transfers[i].delivery)
            worker->transfers[i].delivery->unclear++;
    for (int i = 0; i < DESTINATIONS; i++)
        schedule_remove(&worker->links[i].entry);
    schedule_release(&worker->schedule);
    worker_start(worker);
}

static bool is_oldest_of_its_conversation(const struct world *world,
                                          const struct delivery *delivery)
{
    for (const struct delivery *older = world->deliveries; older < delivery; older++)
        if (!older->done && older->destination == delivery->destination &&
            older->conversation == delivery->conversation)
            return false;
    return true;
}

// The claim: the first row above the floor that is due, or NULL.
static struct delivery *claim(struct world *world, int destination, int64_t floor_us)
{
    if (world->destinations[destination].not_before_ms > world->now_ms)
        return NULL;
    for (size_t i = 0; i < DELIVERIES; i++) {
        struct delivery *delivery = &world->deliveries[i];
        if (delivery->destination == destination && !delivery->done &&
            delivery->due_ms <= world->now_ms && delivery->due_ms * 1000 > floor_us &&
            delivery->lease_until_ms <= world->now_ms &&
            is_oldest_of_its_conversation(world, delivery)) {
            if (world->destinations[destination].failures > 0) // the probe
                world->destinations[destination].not_before_ms = world->now_ms + LEASE_MS;
            delivery->lease_until_ms = world->now_ms + LEASE_MS;
            delivery->epoch++;
            return delivery;
        }
    }
    return NULL;
}

static void arrive(struct world *world, struct delivery *delivery)
{
    int number = (int)(delivery - world->deliveries);
    int *last = &world->destinations[delivery->destination].last[delivery->conversation];

    cr_assert(delivery->received > 0 || *last <= number, "seed %llu: %d arrived after %d",
              (unsigned long long)world->seed, number, *last);
    if (number > *last)
        *last = number;
    delivery->received++;
}

// The result of a request. While there are faults, destination 1 is dead, 2 refuses, and 3 does not
// answer.
static enum end outcome_of(struct world *world, struct delivery *delivery)
{
    uint64_t draw = random_below(&world->random, 10);
    enum end end = GOOD;

    if (has_faults(world) && delivery->destination > 0 && draw < 8)
        end = (enum end[]){GOOD, NO_CONNECTION, REFUSED, UNANSWERED}[delivery->destination];
    if (end == GOOD || end == UNANSWERED)
        arrive(world, delivery);
    return end;
}

static void send(struct world *world, struct worker *worker, struct delivery *delivery)
{
    struct link *link = &worker->links[delivery->destination];

    for (int i = 0; i < TRANSFERS; i++)
        if (!worker->transfers[i].delivery) {
            enum end end = outcome_of(world, delivery);
            worker->transfers[i] = (struct transfer){
                .delivery = delivery,
                .epoch = delivery->epoch,
                .end = end,
                .ends_ms =
                    world->now_ms +
                    (end == UNANSWERED ? 10000 : (int64_t)random_below(&world->random, 2000))};
            link->in_flight++;
            if (delivery->attempt == 0)
                retry_budget_fresh(&link->budget);
            cr_assert(le(u32, link->in_flight, window_limit(&link->window)),
                      "seed %llu: beyond the window", (unsigned long long)world->seed);
            return;
        }
}

static bool has_free_transfer(const struct worker *worker)
{
    for (int i = 0; i < TRANSFERS; i++)
        if (!worker->transfers[i].delivery)
            return true;
    return false;
}

static void send_all(struct world *world, struct worker *worker)
{
    struct schedule_entry *entry;

    for (int i = 0; i < DESTINATIONS; i++) {
        schedule_add(&worker->schedule, &worker->links[i].entry, (uint32_t)i % 2, SCHEDULE_FAST);
        if (world->now_ms % SWEEP_MS == 0)
            claim_floor_reset(&worker->links[i].floor);
    }
    while (has_free_transfer(worker) && (entry = schedule_next(&worker->schedule, SCHEDULE_FAST))) {
        struct link *link = CONTAINER_OF(entry, struct link, entry);
        int destination = (int)(link - worker->links);
        struct delivery *delivery = link->in_flight < window_limit(&link->window)
                                        ? claim(world, destination, claim_floor_take(&link->floor))
                                        : NULL;
        if (!delivery) {
            schedule_remove(entry);
            continue;
        }
        claim_floor_note(&link->floor, delivery->due_ms * 1000);
        claim_floor_lower(&link->floor, delivery->due_ms * 1000); // there may be more
        schedule_charge(entry, 1);
        send(world, worker, delivery);
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
        claim_floor_reset(&link->floor);
    } else if (opens || (*failures > 0 && end != GOOD)) {
        world->destinations[destination].not_before_ms =
            world->now_ms + breaker_delay_ms((*failures)++, &world->random);
        breaker_reset(&link->breaker);
    }
}

static void complete(struct world *world, struct link *link, const struct transfer *transfer)
{
    struct delivery *delivery = transfer->delivery;

    if (delivery->epoch != transfer->epoch) { // another worker has claimed it since
        delivery->unclear++;
        return;
    }
    delivery->lease_until_ms = 0;
    if (transfer->end == GOOD) {
        cr_assert(not(delivery->done), "seed %llu: stored twice", (unsigned long long)world->seed);
        delivery->done = true;
        claim_floor_lower(&link->floor, delivery->attempt == 0 ? delivery->due_ms * 1000 : 0);
        return;
    }
    delivery->unclear += transfer->end == UNANSWERED;
    bool in_budget = retry_budget_take(&link->budget);
    int64_t delay_ms = retry_delay_ms(&retry_profile_sms, RETRY_CLASS_RETRY,
                                      (unsigned)delivery->attempt++, -1, in_budget, &world->random);
    cr_assert(delay_ms >= retry_profile_sms.base_ms / 2 &&
              delay_ms <= (in_budget ? 1 : 4) * retry_profile_sms.cap_ms);
    delivery->due_ms = world->now_ms + delay_ms;
}

static void transfers_complete(struct world *world, struct worker *worker)
{
    for (int i = 0; i < TRANSFERS; i++) {
        struct transfer transfer = worker->transfers[i];
        if (!transfer.delivery || transfer.ends_ms > world->now_ms)
            continue;
        struct link *link = &worker->links[transfer.delivery->destination];
        worker->transfers[i] = (struct transfer){0};
        link->in_flight--;
        note(world, link, transfer.delivery->destination, transfer.end);
        complete(world, link, &transfer);
    }
}

static bool all_is_done(const struct world *world)
{
    for (int i = 0; i < DELIVERIES; i++)
        if (!world->deliveries[i].done)
            return false;
    return true;
}

static void world_make(struct world *world, uint64_t seed)
{
    *world = (struct world){.seed = seed, .random = {seed}};
    for (int i = 0; i < DELIVERIES; i++)
        world->deliveries[i] =
            (struct delivery){.destination = (int)random_below(&world->random, DESTINATIONS),
                              .conversation = (int)random_below(&world->random, CONVERSATIONS),
                              .due_ms = 1 + i * FAULTS_MS / DELIVERIES};
    for (int i = 0; i < WORKERS; i++)
        worker_start(&world->workers[i]);
}

static void world_judge(const struct world *world)
{
    cr_assert(all_is_done(world), "seed %llu: not all messages were sent",
              (unsigned long long)world->seed);
    for (int i = 0; i < DELIVERIES; i++) {
        const struct delivery *delivery = &world->deliveries[i];
        cr_assert(delivery->received >= 1 && delivery->received <= 1 + delivery->unclear,
                  "seed %llu: %d arrived %d times, %d outcomes were lost",
                  (unsigned long long)world->seed, i, delivery->received, delivery->unclear);
    }
}

Test(delivering_simulated, delivers_every_message_in_order_whatever_fails, .timeout = 600)
{
    static struct world world;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        world_make(&world, seed);
        for (; world.now_ms < END_MS && !all_is_done(&world); world.now_ms += TICK_MS) {
            if (has_faults(&world) && random_below(&world.random, 100) == 0)
                worker_crash(&world.workers[random_below(&world.random, WORKERS)]);
            for (int i = 0; i < WORKERS; i++) {
                transfers_complete(&world, &world.workers[i]);
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
