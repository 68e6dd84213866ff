// engine: its creation, its turn, and its end.
#include "base/heap.h"
#include "process/failpoint.h"
#include "sms-worker/delivery/engine_parts.h"

#include <stdlib.h>

enum { QUANTUM = 8, TIMERS = 6 };

static void timers_list(struct engine *engine, uv_timer_t *timers[static TIMERS])
{
    timers[0] = &engine->sweep_timer;
    timers[1] = &engine->lease_timer;
    timers[2] = &engine->wake_timer;
    timers[3] = &engine->pause_timer;
    timers[4] = &engine->answers_timer;
    timers[5] = &engine->permits.timer;
}

struct engine *engine_new(struct service *service, const struct engine_options *options)
{
    uv_timer_t *timers[TIMERS];
    struct engine *engine = heap_new(sizeof *engine);
    engine->service = service;
    engine->options = *options;
    engine->destinations = map_new();
    engine->request.arena = arena_new();
    schedule_init(&engine->hungry, QUANTUM);
    schedule_init(&engine->ready, QUANTUM);
    list_init(&engine->held);
    engine_metrics_find(engine);
    engine->outcomes = batcher_new(service_loop(service), service_pg(service), &engine_outcomes,
                                   engine, service_metrics(service));
    timers_list(engine, timers);
    for (size_t i = 0; i < TIMERS; i++)
        uv_timer_init(service_loop(service), timers[i]);
    engine_sweep_start(engine);
    engine_leases_start(engine);
    return engine;
}

// ---- the turn

// Requests in flight end by themselves within their timeout.
static void drain_check(struct engine *engine)
{
    if (!engine->draining || engine->drained || engine->held_count > 0 || engine->calls > 0)
        return;
    if (!engine->answers_were_sent) {
        engine->answers_were_sent = true; // tried once: after a failure the next answer is stored
        if (engine_send_answers(engine, NULL))
            return; // and calls this function again
    }
    engine->drained = true;
    service_drained(engine->service);
}

void engine_turn(struct engine *engine)
{
    engine_pump(engine);
    engine_claim(engine);
    drain_check(engine);
}

void engine_call(struct engine *engine, struct pg_params *params, pg_done_fn *done)
{
    engine->calls++;
    pg_call(service_pg(engine->service), params, done, engine);
}

void engine_call_ended(struct engine *engine)
{
    engine->calls--;
    engine_turn(engine);
}

// ---- calls of the program

void engine_doorbell(struct engine *engine, int32_t id)
{
    struct destination *destination = destination_get(engine, id);
    if (!destination)
        return;
    destination->due = true;
    destination_settle(destination);
    engine_turn(engine);
}

void engine_hurry(struct engine *engine, int32_t id)
{
    struct destination *destination = destination_get(engine, id);
    if (!destination)
        return;
    destination->open_until_ms = 0;
    claim_floor_reset(&destination->floor);
    engine_doorbell(engine, id);
}

// The leases are still prolonged, and rows that wait for their connection are still checked,
// because they are still ours.
void engine_drain(struct engine *engine)
{
    // A crash here: leases run out after 30 s. Draining only saves that time.
    failpoint("delivery.during_drain");
    engine->draining = true;
    uv_timer_stop(&engine->sweep_timer);
    uv_timer_stop(&engine->wake_timer);
    uv_timer_stop(&engine->pause_timer);
    uv_timer_stop(&engine->answers_timer);
    struct str key;
    void *value;
    for (size_t cursor = 0; map_next(engine->destinations, &cursor, &key, &value);)
        engine_give_back(value);
    engine_turn(engine);
}

// ---- its end

static void timer_closed(uv_handle_t *handle)
{
    struct engine *engine = handle->data;
    if (--engine->timers_open == 0)
        free(engine);
}

void engine_free(struct engine **handle)
{
    struct engine *engine = *handle;
    if (!engine)
        return;
    *handle = NULL;
    engine->draining = engine->drained = true;
    batcher_free(&engine->outcomes); // outcomes that were not stored: their leases run out
    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        struct arena *arena = delivery->arena;
        arena_free(&arena);
    }

    struct str key;
    void *value;
    for (size_t cursor = 0; map_next(engine->destinations, &cursor, &key, &value);)
        destination_free(value);
    map_free(&engine->destinations);
    schedule_release(&engine->hungry);
    schedule_release(&engine->ready);
    arena_free(&engine->request.arena);
    buf_release(&engine->request.body);

    uv_timer_t *timers[TIMERS];
    timers_list(engine, timers);
    engine->timers_open = TIMERS;
    for (size_t i = 0; i < TIMERS; i++) {
        timers[i]->data = engine;
        uv_close((uv_handle_t *)timers[i], timer_closed);
    }
}
