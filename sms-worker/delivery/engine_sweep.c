// engine_sweep: finds what no doorbell reports: rows that committed late or lost their lease, rows
// whose validity passed, receipts that missed their message.
#include "service/tasks/change_hints.h"
#include "sms-worker/delivery/engine_parts.h"
#include "store/statements.h"
#include "telemetry/log.h"

enum {
    SWEEP_MS = 5000,
    SWEEP_SOON_MS = 200, // after one that failed
    SWEEP_HOPS = 1000,   // destinations looked at in one step of a walk
    EXPIRE_ROWS = 500,
    BIND_ROWS = 500,
};

static void step(struct engine *engine, struct pg_params *params, pg_done_fn *done)
{
    engine->sweep.steps++;
    engine_call(engine, params, done);
}

// True when the result of a step can be used.
static bool step_succeeded(const struct engine *engine, const struct err *err, const char *name)
{
    if (err && err->code != ERR_UNAVAILABLE)
        LOG_WARN("delivery.sweep_failed", LOG_STR("step", str_of(name)), LOG_ERR(err));
    return !err && !engine->draining;
}

static void step_ended(struct engine *engine)
{
    engine->sweep.steps--;
    engine_call_ended(engine);
}

// ---- destinations with due rows, in a walk by number

static void walked(void *context, const struct pg_result *result, const struct err *err);

static void walk(struct engine *engine)
{
    struct pg_params params;
    BIND(&params, DELIVERY_WALK, .after_id = engine->sweep.after, .hops = SWEEP_HOPS);
    step(engine, &params, walked);
}

static void walk_ended(struct engine *engine)
{
    metric_set(engine->metrics.depth, (double)engine->sweep.due_rows);
    metric_set(engine->metrics.oldest, (double)engine->sweep.oldest_ms / 1000);
    metric_set(engine->metrics.held_depth, (double)engine->sweep.held_rows);
    metric_set(engine->metrics.held_oldest, (double)engine->sweep.held_oldest_ms / 1000);
    metric_set(engine->metrics.open, (double)engine->sweep.open);
    metric_set(engine->metrics.failing, (double)engine->sweep.failing.count);
    engine->failing = engine->sweep.failing;
    engine->sweep.after = 0;
    engine->sweep.due_rows = engine->sweep.oldest_ms = engine->sweep.open = 0;
    engine->sweep.held_rows = engine->sweep.held_oldest_ms = 0;
    engine->sweep.failing.count = 0;
}

static void sweep(uv_timer_t *timer);

static void ailing_add(struct ailing *ailing, int32_t id)
{
    if (ailing->count < AILING_SHOWN)
        ailing->ids[ailing->count] = id;
    ailing->count++;
}

// Rows that a failing destination holds back are reported separately, because no worker could send
// them.
static void queue_count(struct engine *engine, bool held, int32_t rows, int64_t oldest_ms)
{
    int64_t *oldest = held ? &engine->sweep.held_oldest_ms : &engine->sweep.oldest_ms;

    *(held ? &engine->sweep.held_rows : &engine->sweep.due_rows) += rows;
    if (oldest_ms > *oldest)
        *oldest = oldest_ms;
}

static void take_walk(struct engine *engine, const struct pg_result *result)
{
    for (size_t row = 0; row < pg_rows(result); row++) {
        engine->sweep.after = GET(result, row, DELIVERY_WALK, destination_id);
        engine->sweep.open += GET(result, row, DELIVERY_WALK, open);
        queue_count(engine, GET(result, row, DELIVERY_WALK, held),
                    GET(result, row, DELIVERY_WALK, due_rows),
                    GET(result, row, DELIVERY_WALK, oldest_ms));
        if (GET(result, row, DELIVERY_WALK, failing))
            ailing_add(&engine->sweep.failing, engine->sweep.after);

        struct destination *destination = GET(result, row, DELIVERY_WALK, ready)
                                              ? destination_get(engine, engine->sweep.after)
                                              : NULL;
        if (!destination)
            continue;
        destination->tenant = (uint32_t)GET(result, row, DELIVERY_WALK, tenant_id);
        destination->due = true;
        destination->open_until_ms =
            0; // PostgreSQL is newer: the destination may have been repaired
        claim_floor_reset(&destination->floor);
        destination_settle(destination);
    }
    if (pg_rows(result) == SWEEP_HOPS)
        walk(engine);
    else
        walk_ended(engine);
}

static void walked(void *context, const struct pg_result *result, const struct err *err)
{
    struct engine *engine = context;

    if (step_succeeded(engine, err, "walk"))
        take_walk(engine, result);
    else if (!engine
                  ->draining) // no doorbell was received meanwhile, or before this process started
        uv_timer_start(&engine->sweep_timer, sweep, SWEEP_SOON_MS, SWEEP_MS);
    step_ended(engine);
}

// ---- destinations that are switched off

static void take_off(struct engine *engine, const struct pg_result *result)
{
    engine->off.count = 0;
    for (size_t row = 0; row < pg_rows(result); row++)
        ailing_add(&engine->off, GET(result, row, DESTINATIONS_OFF, id));
    if (pg_rows(result) > 0)
        engine->off.count = (size_t)GET(result, 0, DESTINATIONS_OFF, count);
}

static void found_off(void *context, const struct pg_result *result, const struct err *err)
{
    struct engine *engine = context;

    if (step_succeeded(engine, err, "off"))
        take_off(engine, result);
    step_ended(engine);
}

static void look_for_off(struct engine *engine)
{
    struct pg_params params;
    BIND(&params, DESTINATIONS_OFF, .room = AILING_SHOWN);
    step(engine, &params, found_off);
}

// Health is public, so it names them by number; nexusctl destinations shows their owners.
static void ailing_publish(const struct ailing *ailing, enum health_reason_id id,
                           struct health_reasons *reasons)
{
    char about[HEALTH_ABOUT_LIMIT + 1];
    size_t shown = ailing->count <= AILING_SHOWN ? ailing->count : AILING_SHOWN - 1;

    for (size_t i = 0; i < shown; i++) {
        snprintf(about, sizeof about, "%d", ailing->ids[i]);
        health_reasons_add(reasons, id, about);
    }
    if (shown < ailing->count) {
        snprintf(about, sizeof about, "… and %zu more", ailing->count - shown);
        health_reasons_add(reasons, id, about);
    }
}

void engine_health(const struct engine *engine, struct health_reasons *reasons)
{
    ailing_publish(&engine->failing, HEALTH_DESTINATION_FAILING, reasons);
    ailing_publish(&engine->off, HEALTH_DESTINATION_OFF, reasons);
}

// ---- rows whose validity passed

static void expired(void *context, const struct pg_result *result, const struct err *err);

static void expire(struct engine *engine)
{
    struct pg_params params;
    BIND(&params, DELIVERY_EXPIRE, .room = EXPIRE_ROWS);
    step(engine, &params, expired);
}

static void expired(void *context, const struct pg_result *result, const struct err *err)
{
    struct engine *engine = context;

    if (step_succeeded(engine, err, "expire")) {
        int32_t count = GET(result, 0, DELIVERY_EXPIRE, delivery_expire);
        for (int32_t i = 0; i < count; i++)
            engine_metrics_ended(engine, ENGINE_EXPIRED);
        if (count == EXPIRE_ROWS)
            expire(engine);
    }
    step_ended(engine);
}

// ---- receipts and messages that missed each other

static void bound(void *context, const struct pg_result *result, const struct err *err)
{
    struct engine *engine = context;

    if (step_succeeded(engine, err, "bind"))
        for (size_t row = 0; row < pg_rows(result); row++)
            change_hints_send_tenant(service_bus(engine->service),
                                     (uint32_t)GET(result, row, RECEIPT_BIND, receipt_bind));
    step_ended(engine);
}

static void bind_receipts(struct engine *engine)
{
    struct pg_params params;
    BIND(&params, RECEIPT_BIND, .room = BIND_ROWS);
    step(engine, &params, bound);
}

// ---- one after the other

static void walk_after_answers(struct engine *engine)
{
    engine->sweep.steps--;
    if (!engine->draining)
        walk(engine);
}

static void sweep(uv_timer_t *timer)
{
    struct engine *engine = CONTAINER_OF(timer, struct engine, sweep_timer);
    if (engine->sweep.steps > 0)
        return; // PostgreSQL is slow or away: one sweep at a time
    if (engine_send_answers(
            engine,
            walk_after_answers)) // first, because the walk needs to know which destinations fail
        engine->sweep.steps++;
    else
        walk(engine);
    look_for_off(engine);
    expire(engine);
    bind_receipts(engine);
}

void engine_sweep_start(struct engine *engine)
{
    uv_timer_start(&engine->sweep_timer, sweep, 0, SWEEP_MS);
}
