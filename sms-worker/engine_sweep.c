// engine_sweep: what no doorbell tells of: rows that committed late or lost their lease, rows whose
// validity passed, receipts that missed their message; and the leases of what is in work.
#include "sms-worker/engine.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/news.h"
#include "store/statements.h"

enum {
    SWEEP_MS = 5000,
    SWEEP_SOON_MS = 200, // after one that failed
    SWEEP_HOPS = 1000,   // destinations looked at in one step of a walk
    LEASES_MS = 10000,
    EXPIRE_ROWS = 500,
    BIND_ROWS = 500,
    ANSWERS_LIMIT = 1000,  // of one sweep; the next one tells the others
    ANSWERS_SOON_MS = 500, // after one that began to fail
};

static void step(struct engine *engine, unsigned statement, struct pg_params *params,
                 pg_done_fn *done)
{
    engine->calls++;
    engine->sweep.steps++;
    pg_call(service_pg(engine->service), statement, params, done, engine);
}

// True when the step succeeded and its result is worth a look.
static bool step_ended(struct engine *engine, const struct err *err, const char *name)
{
    engine->calls--;
    engine->sweep.steps--;
    if (err && err->code != ERR_UNAVAILABLE)
        LOG_WARN("delivery.sweep_failed", LOG_STR("step", str_of(name)), LOG_ERR(err));
    engine_drain_check(engine);
    return !err && !engine->draining;
}

// ---- destinations with due rows, in a walk by number

static void walked(void *context, const struct pg_result *result, const struct err *err);

static void walk(struct engine *engine)
{
    struct pg_params params;
    pg_params_init(&params);
    pg_int4(&params, engine->sweep.after);
    pg_int4(&params, SWEEP_HOPS);
    step(engine, STATEMENT_DELIVERY_WALK, &params, walked);
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

// What a failing destination holds back is told apart: no worker could send it.
static void queue_count(struct engine *engine, bool held, int32_t rows, int64_t oldest_ms)
{
    int64_t *oldest = held ? &engine->sweep.held_oldest_ms : &engine->sweep.oldest_ms;

    *(held ? &engine->sweep.held_rows : &engine->sweep.due_rows) += rows;
    if (oldest_ms > *oldest)
        *oldest = oldest_ms;
}

static void walked(void *context, const struct pg_result *result, const struct err *err)
{
    enum { ID, TENANT, READY, DUE_ROWS, OLDEST_MS, OPEN, HELD, FAILING };
    struct engine *engine = context;
    if (!step_ended(engine, err, "walk")) {
        // No doorbell was heard while PostgreSQL was away, or before this process was there.
        if (!engine->draining)
            uv_timer_start(&engine->sweep_timer, sweep, SWEEP_SOON_MS, SWEEP_MS);
        return;
    }

    for (size_t row = 0; row < pg_rows(result); row++) {
        engine->sweep.after = pg_get_int4(result, row, ID);
        engine->sweep.open += pg_get_bool(result, row, OPEN);
        queue_count(engine, pg_get_bool(result, row, HELD), pg_get_int4(result, row, DUE_ROWS),
                    pg_get_int8(result, row, OLDEST_MS));
        if (pg_get_bool(result, row, FAILING))
            ailing_add(&engine->sweep.failing, engine->sweep.after);

        struct destination *destination =
            pg_get_bool(result, row, READY) ? destination_get(engine, engine->sweep.after) : NULL;
        if (!destination)
            continue;
        destination->tenant = (uint32_t)pg_get_int4(result, row, TENANT);
        destination->due = true;
        destination->open_until_ms = 0; // PostgreSQL knows better: somebody may have mended it
        claim_floor_lift(&destination->floor);
        destination_settle(destination);
    }
    engine_claim(engine);
    if (pg_rows(result) == SWEEP_HOPS)
        walk(engine);
    else
        walk_ended(engine);
}

// ---- what destinations said since the last sweep

// What could not be stored is told again by the next sweep. A worker that stops tells it last. One
// that dies leaves it to the next answer.
static void answers_settle(struct engine *engine, bool told)
{
    struct str key;
    void *value;

    engine->telling = false;
    for (size_t cursor = 0; map_next(engine->destinations, &cursor, &key, &value);) {
        struct destination *destination = value;
        if (destination->last.news == ANSWER_BEING_TOLD)
            destination->last.news = told ? ANSWER_TOLD : ANSWER_FRESH;
    }
}

static void answers_told(void *context, const struct pg_result *result, const struct err *err)
{
    (void)result;
    struct engine *engine = context;
    answers_settle(engine, !err);
    (void)step_ended(engine, err, "answers");
    if (!engine->draining)
        walk(engine);
}

// As answers_told(), beside a sweep.
static void answers_told_soon(void *context, const struct pg_result *result, const struct err *err)
{
    (void)result;
    struct engine *engine = context;
    answers_settle(engine, !err);
    engine->calls--;
    if (err && err->code != ERR_UNAVAILABLE)
        LOG_WARN("delivery.answers_not_stored", LOG_ERR(err));
    engine_drain_check(engine);
}

static void answers_bind(struct destination *const *news, size_t count, struct pg_params *params)
{
    int64_t now_ms = clock_monotonic_ms();
    pg_params_init(params);
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int4(params, news[i]->id);
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int4(params, (int32_t)(now_ms - news[i]->last.at_ms));
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++) {
        if (news[i]->last.status)
            pg_add_int4(params, news[i]->last.status);
        else
            pg_add_null(params);
    }
    pg_array(params, PG_ELEMENT_INT2, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int2(params, (int16_t)news[i]->last.decision);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, news[i]->last.detail[0] ? str_of(news[i]->last.detail) : STR_ABSENT);
    pg_array(params, PG_ELEMENT_BOOL, count);
    for (size_t i = 0; i < count; i++)
        pg_add_bool(params, news[i]->last.good);
}

// False when there is nothing to tell, or somebody tells it already.
static bool answers_collect(struct engine *engine, struct pg_params *params)
{
    struct destination *news[ANSWERS_LIMIT];
    size_t count = 0;
    struct str key;
    void *value;

    if (engine->telling)
        return false;
    for (size_t cursor = 0;
         count < ANSWERS_LIMIT && map_next(engine->destinations, &cursor, &key, &value);) {
        struct destination *destination = value;
        if (destination->last.news != ANSWER_FRESH)
            continue;
        destination->last.news = ANSWER_BEING_TOLD;
        news[count++] = destination;
    }
    if (count == 0)
        return false;
    answers_bind(news, count, params);
    engine->telling = true;
    return true;
}

static bool answers_tell(struct engine *engine)
{
    struct pg_params params;

    if (!answers_collect(engine, &params))
        return false;
    step(engine, STATEMENT_DESTINATION_ANSWERS, &params, answers_told);
    return true;
}

bool engine_tell_answers(struct engine *engine)
{
    struct pg_params params;

    if (!answers_collect(engine, &params))
        return false;
    engine->calls++;
    pg_call(service_pg(engine->service), STATEMENT_DESTINATION_ANSWERS, &params, answers_told_soon,
            engine);
    return true;
}

static void tell_soon(uv_timer_t *timer)
{
    (void)engine_tell_answers(CONTAINER_OF(timer, struct engine, answers_timer));
}

void engine_tell_soon(struct engine *engine)
{
    if (!engine->draining && !uv_is_active((uv_handle_t *)&engine->answers_timer))
        uv_timer_start(&engine->answers_timer, tell_soon, ANSWERS_SOON_MS, 0);
}

// ---- destinations that are switched off

static void found_off(void *context, const struct pg_result *result, const struct err *err)
{
    enum { ID, COUNT };
    struct engine *engine = context;
    if (!step_ended(engine, err, "off"))
        return;
    engine->off.count = 0;
    for (size_t row = 0; row < pg_rows(result); row++)
        ailing_add(&engine->off, pg_get_int4(result, row, ID));
    if (pg_rows(result) > 0)
        engine->off.count = (size_t)pg_get_int8(result, 0, COUNT);
}

static void look_for_off(struct engine *engine)
{
    struct pg_params params;
    pg_params_init(&params);
    pg_int4(&params, AILING_SHOWN);
    step(engine, STATEMENT_DESTINATIONS_OFF, &params, found_off);
}

// Anybody may read health, so it names them by number; nexusctl destinations says whose they are.
static void ailing_tell(const struct ailing *ailing, enum health_reason_id id,
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
    ailing_tell(&engine->failing, HEALTH_DESTINATION_FAILING, reasons);
    ailing_tell(&engine->off, HEALTH_DESTINATION_OFF, reasons);
}

// ---- rows whose validity passed

static void expired(void *context, const struct pg_result *result, const struct err *err);

static void expire(struct engine *engine)
{
    struct pg_params params;
    pg_params_init(&params);
    pg_int4(&params, EXPIRE_ROWS);
    step(engine, STATEMENT_DELIVERY_EXPIRE, &params, expired);
}

static void expired(void *context, const struct pg_result *result, const struct err *err)
{
    struct engine *engine = context;
    if (!step_ended(engine, err, "expire"))
        return;
    int32_t count = pg_get_int4(result, 0, 0);
    for (int32_t i = 0; i < count; i++)
        engine_metrics_ended(engine, ENGINE_EXPIRED);
    if (count == EXPIRE_ROWS)
        expire(engine);
}

// ---- receipts and messages that missed each other

static void bound(void *context, const struct pg_result *result, const struct err *err)
{
    struct engine *engine = context;
    if (!step_ended(engine, err, "bind"))
        return;
    for (size_t row = 0; row < pg_rows(result); row++)
        news_tell(service_bus(engine->service), (uint32_t)pg_get_int4(result, row, 0));
}

static void bind_receipts(struct engine *engine)
{
    struct pg_params params;
    pg_params_init(&params);
    pg_int4(&params, BIND_ROWS);
    step(engine, STATEMENT_RECEIPT_BIND, &params, bound);
}

static void sweep(uv_timer_t *timer)
{
    struct engine *engine = CONTAINER_OF(timer, struct engine, sweep_timer);
    if (engine->sweep.steps > 0)
        return;                // PostgreSQL is slow or away: one sweep at a time
    if (!answers_tell(engine)) // first, because the walk asks who fails
        walk(engine);
    look_for_off(engine);
    expire(engine);
    bind_receipts(engine);
}

// ---- leases of what is still in work

// delivery_prolong() gives those that are no longer ours. Their requests must not begin; what is on
// the wire is fenced when it completes.
static void extended(void *context, const struct pg_result *result, const struct err *err)
{
    struct engine *engine = context;
    engine->calls--;
    if (err)
        LOG_WARN("delivery.leases_not_extended", LOG_ERR(err));
    for (size_t row = 0; result && row < pg_rows(result); row++) {
        LIST_EACH (&engine->held, struct delivery, held, delivery) {
            if (delivery->id == pg_get_int8(result, row, 0) &&
                delivery->epoch == pg_get_int4(result, row, 1))
                engine_withdraw(delivery);
        }
    }
    engine_drain_check(engine);
}

static void extend_leases(uv_timer_t *timer)
{
    struct engine *engine = CONTAINER_OF(timer, struct engine, lease_timer);
    if (engine->held_count == 0)
        return;
    struct pg_params params;
    pg_params_init(&params);
    pg_array(&params, PG_ELEMENT_INT8, engine->held_count);
    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        pg_add_int8(&params, delivery->id);
    }
    pg_array(&params, PG_ELEMENT_INT4, engine->held_count);
    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        pg_add_int4(&params, delivery->epoch);
    }
    engine->calls++;
    pg_call(service_pg(engine->service), STATEMENT_DELIVERY_PROLONG, &params, extended, engine);
}

// ---- retries

static void wake_due(uv_timer_t *timer);

static void wake_start(struct engine *engine, int64_t at_ms)
{
    if (engine->draining || (engine->wake_ms && engine->wake_ms <= at_ms))
        return;
    int64_t wait_ms = at_ms - clock_monotonic_ms();
    engine->wake_ms = at_ms;
    uv_timer_start(&engine->wake_timer, wake_due, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

void engine_wake_in(struct destination *destination, int64_t delay_ms)
{
    wakes_add(&destination->wakes, clock_monotonic_ms(), delay_ms);
    int64_t next_ms = wakes_next_ms(&destination->wakes);
    if (next_ms)
        wake_start(destination->engine, next_ms);
}

static void wake_due(uv_timer_t *timer)
{
    struct engine *engine = CONTAINER_OF(timer, struct engine, wake_timer);
    int64_t now_ms = clock_monotonic_ms();
    struct str key;
    void *value;
    engine->wake_ms = 0;
    for (size_t cursor = 0; map_next(engine->destinations, &cursor, &key, &value);) {
        struct destination *destination = value;
        if (wakes_take(&destination->wakes, now_ms)) {
            destination->due = true;
            destination_settle(destination);
        }
        int64_t next_ms = wakes_next_ms(&destination->wakes);
        if (next_ms)
            wake_start(engine, next_ms);
    }
    engine_claim(engine);
}

// ---- the timers

void engine_sweep_start(struct engine *engine)
{
    uv_loop_t *loop = service_loop(engine->service);
    uv_timer_init(loop, &engine->sweep_timer);
    uv_timer_init(loop, &engine->lease_timer);
    uv_timer_init(loop, &engine->wake_timer);
    uv_timer_init(loop, &engine->pause_timer);
    uv_timer_init(loop, &engine->answers_timer);
    uv_timer_init(loop, &engine->permits.timer);
    uv_timer_start(&engine->sweep_timer, sweep, 0, SWEEP_MS);
    uv_timer_start(&engine->lease_timer, extend_leases, LEASES_MS, LEASES_MS);
}

// The leases go on being prolonged, and what waits for its connection is checked: it is still ours.
void engine_sweep_stop(struct engine *engine)
{
    uv_timer_stop(&engine->sweep_timer);
    uv_timer_stop(&engine->wake_timer);
    uv_timer_stop(&engine->pause_timer);
    uv_timer_stop(&engine->answers_timer);
}
