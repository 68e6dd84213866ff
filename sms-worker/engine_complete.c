// engine_complete: outcomes → batches → PostgreSQL, again and again until it has them.
#include "sms-worker/engine.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "service/news.h"
#include "store/statements.h"

static void delivery_free(struct engine *engine, struct delivery *delivery)
{
    delivery->destination->held--;
    engine->held_count--;
    list_remove(&delivery->held);
    struct arena *arena = delivery->arena;
    arena_free(&arena);
}

void engine_complete(struct delivery *delivery, const struct outcome *outcome)
{
    delivery->outcome = *outcome;
    delivery->stage = DELIVERY_ENDED;
    delivery->item.key = (uint64_t)delivery->id;
    delivery->item.bytes =
        (uint32_t)(80 + outcome->provider_id.len + outcome->reason.len + outcome->detail.len);
    delivery->item.deadline_ms = INT64_MAX; // what happened outside must be known inside
    batcher_add(delivery->destination->engine->outcomes, &delivery->item);
}

void engine_give_back(struct destination *destination)
{
    LIST_EACH (&destination->queue, struct delivery, queued, delivery) {
        list_remove(&delivery->queued);
        destination->queued--;
        engine_complete(delivery, &(struct outcome){.kind = OUTCOME_GIVEN_BACK});
    }
    destination_settle(destination);
}

static struct delivery *delivery_of(struct batch_item *item)
{
    return CONTAINER_OF(item, struct delivery, item);
}

static void add_number(struct pg_params *params, int64_t number)
{
    if (number)
        pg_add_int4(params, (int32_t)number);
    else
        pg_add_null(params);
}

// What is kept of an attempt for those who ask afterwards, and for nobody else.
static void explanation_bind(struct batch_item *const *items, size_t count,
                             struct pg_params *params)
{
    int64_t now_ms = clock_monotonic_ms();

    pg_array(params, PG_ELEMENT_INT2, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int2(params, (int16_t)delivery_of(items[i])->outcome.decision);
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int4(params, (int32_t)(now_ms - delivery_of(items[i])->claimed_ms));
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++)
        add_number(params, (int64_t)delivery_of(items[i])->sent_bytes);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, delivery_of(items[i])->outcome.detail);
}

static void outcomes_bind(void *context, struct batch_item *const *items, size_t count,
                          struct pg_params *params)
{
    char trace[TRACE_PARENT_LENGTH];

    (void)context;
    pg_array(params, PG_ELEMENT_INT8, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int8(params, delivery_of(items[i])->id);
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int4(params, delivery_of(items[i])->epoch);
    pg_array(params, PG_ELEMENT_INT2, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int2(params, (int16_t)delivery_of(items[i])->outcome.kind);
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int4(params, (int32_t)delivery_of(items[i])->outcome.delay_ms);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, delivery_of(items[i])->outcome.provider_id);
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++)
        add_number(params, delivery_of(items[i])->outcome.status);
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int4(params, (int32_t)delivery_of(items[i])->outcome.duration_ms);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, delivery_of(items[i])->outcome.reason);
    explanation_bind(items, count, params);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, engine_trace_kept(delivery_of(items[i]), trace));
}

// What the end of this row lets happen next at its destination.
static void go_on(struct delivery *delivery)
{
    struct destination *destination = delivery->destination;
    switch (delivery->outcome.kind) {
    case OUTCOME_SENT:
    case OUTCOME_FAILED:
    case OUTCOME_CONFLICT:
        if (id_is_none(delivery->message.conversation))
            break;
        // The next one of the conversation waited for this one, however long that took. It was
        // posted later, so it is due later, unless a retry had put this one off.
        destination->due = true;
        claim_floor_lower(&destination->floor, delivery->attempt == 0 ? delivery->due_us : 0);
        break;
    case OUTCOME_RETRY:
    case OUTCOME_UNCERTAIN: engine_wake_in(destination, delivery->outcome.delay_ms); break;
    case OUTCOME_GIVEN_BACK: // to be claimed, or ended, when it may be
        destination->due = true;
        claim_floor_lower(&destination->floor, delivery->due_us);
        break;
    case OUTCOME_KINDS: break;
    }
    destination_settle(destination);
}

// delivery_complete() gives the id of a row whose message is undelivered now with a minus. There
// are few of these.
static bool is_undelivered(const struct delivery *delivery, const struct pg_result *result)
{
    for (size_t row = 0; row < pg_rows(result); row++)
        if (pg_get_int8(result, row, 0) == -delivery->id)
            return true;
    return false;
}

static void outcomes_stored(void *context, struct batch_item *const *items, size_t count,
                            const struct pg_result *result)
{
    struct engine *engine = context;
    struct news news = {0};
    int64_t now_us = clock_monotonic_us();
    metric_add(engine->metrics.fenced, count - pg_rows(result));

    for (size_t i = 0; i < count; i++) {
        struct delivery *delivery = delivery_of(items[i]);
        if (delivery->outcome.kind != OUTCOME_GIVEN_BACK) {
            engine_metrics_stored(delivery,
                                  delivery->outcome.kind >= OUTCOME_FAILED &&
                                      is_undelivered(delivery, result),
                                  now_us);
            news_of_tenant(&news, delivery->tenant);
        }
        go_on(delivery);
        delivery_free(engine, delivery);
        // Dying here: all of the batch is committed; nobody waits for what is left of it.
        failpoint("delivery.mid_complete");
    }
    news_send(&news, service_bus(engine->service));
    engine_pump(engine);
    engine_claim(engine);
    engine_drain_check(engine);
}

// Only for defects and data PostgreSQL refuses: the row stays leased until its lease runs out, and
// comes back as one whose request may have left.
static void outcome_not_stored(void *context, struct batch_item *item, const struct err *err)
{
    struct engine *engine = context;
    struct delivery *delivery = delivery_of(item);
    LOG_ERROR("delivery.outcome_not_stored", LOG_TRACE(&delivery->trace),
              LOG_TENANT(delivery->tenant), LOG_ID("messageId", delivery->message.id),
              LOG_ERR(err));
    delivery_free(engine, delivery);
    engine_drain_check(engine);
}

const struct batch_def engine_outcomes = {
    .name = "delivery.complete",
    .statement = STATEMENT_DELIVERY_COMPLETE,
    .rows_limit = 200,
    .bytes_limit = 256 * 1024,
    .lanes = 2,
    .bind = outcomes_bind,
    .done = outcomes_stored,
    .failed = outcome_not_stored,
};
