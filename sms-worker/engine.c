// engine: its making, its end, and the drain between them.
#include "sms-worker/engine.h"

#include "base/failpoint.h"
#include "base/panic.h"

#include <stdlib.h>

enum { QUANTUM = 8 };

struct engine *engine_new(struct service *service, const struct engine_options *options)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        panic("out of memory: the delivery engine");
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
    engine_sweep_start(engine);
    return engine;
}

void engine_doorbell(struct engine *engine, int32_t id)
{
    struct destination *destination = destination_get(engine, id);
    if (!destination)
        return;
    destination->due = true;
    destination_settle(destination);
    engine_claim(engine);
}

void engine_hurry(struct engine *engine, int32_t id)
{
    struct destination *destination = destination_get(engine, id);
    if (!destination)
        return;
    destination->open_until_ms = 0;
    claim_floor_lift(&destination->floor);
    engine_doorbell(engine, id);
}

void engine_drain(struct engine *engine)
{
    // Dying here: leases run out after 30 s. Draining only saves that time.
    failpoint("delivery.during_drain");
    engine->draining = true;
    engine_sweep_stop(engine);
    struct str key;
    void *value;
    for (size_t cursor = 0; map_next(engine->destinations, &cursor, &key, &value);)
        engine_give_back(value);
    engine_drain_check(engine);
}

// Requests that are out end by themselves within their timeout.
void engine_drain_check(struct engine *engine)
{
    if (!engine->draining || engine->drained || engine->held_count > 0 || engine->calls > 0)
        return;
    if (!engine->parted) {
        engine->parted = true; // tried once: what it does not store, the next answer does
        if (engine_tell_answers(engine))
            return; // and comes here again
    }
    engine->drained = true;
    service_drained(engine->service);
}

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

    uv_timer_t *timers[] = {&engine->sweep_timer, &engine->lease_timer,   &engine->wake_timer,
                            &engine->pause_timer, &engine->answers_timer, &engine->permits.timer};
    engine->timers_open = COUNT_OF(timers);
    for (size_t i = 0; i < COUNT_OF(timers); i++) {
        timers[i]->data = engine;
        uv_close((uv_handle_t *)timers[i], timer_closed);
    }
}
