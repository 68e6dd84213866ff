// engine_complete: outcomes → batches → PostgreSQL, repeated until they are stored.
#include "sms-worker/delivery/engine_parts.h"

#include "base/clock.h"
#include "process/failpoint.h"
#include "service/tasks/change_hints.h"
#include "store/statements.h"
#include "telemetry/log.h"

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
    delivery->item.deadline_ms = INT64_MAX; // an outcome must never be lost
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

static void outcomes_bind(void *context, struct batch_item *const *items, size_t count,
                          struct pg_params *params)
{
    struct row_DELIVERY_STORE rows[BATCH_ROWS_LIMIT];
    char traces[BATCH_ROWS_LIMIT][TRACE_PARENT_LENGTH];
    int64_t now_ms = clock_monotonic_ms();

    (void)context;
    for (size_t i = 0; i < count; i++) {
        const struct delivery *delivery = delivery_of(items[i]);
        const struct outcome *outcome = &delivery->outcome;
        rows[i] = (struct row_DELIVERY_STORE){
            .ids = delivery->id,
            .epochs = delivery->epoch,
            .outcomes = (int16_t)outcome->kind,
            .delays_ms = (int32_t)outcome->delay_ms,
            .provider_ids = outcome->provider_id,
            .statuses = outcome->status,
            .durations_ms = (int32_t)outcome->duration_ms,
            .reasons = outcome->reason,
            // The details of an attempt that are stored for later queries only.
            .decisions = (int16_t)outcome->decision,
            .helds_ms = (int32_t)(now_ms - delivery->claimed_ms),
            .sent_bytes = (int32_t)delivery->sent_bytes,
            .details = outcome->detail,
            .traces = engine_trace_kept(delivery, traces[i]),
        };
    }
    BIND_ROWS(params, DELIVERY_STORE, rows, count);
}

// What the end of this row makes possible at its destination.
static void go_on(struct delivery *delivery)
{
    struct destination *destination = delivery->destination;
    switch (delivery->outcome.kind) {
    case OUTCOME_SENT:
    case OUTCOME_FAILED:
    case OUTCOME_CONFLICT:
        if (id_is_none(delivery->message.conversation))
            break;
        // The next message of the conversation waited for this one. It was posted later, so it is
        // due later, unless a retry had delayed this one.
        destination->due = true;
        claim_floor_lower(&destination->floor, delivery->attempt == 0 ? delivery->due_us : 0);
        break;
    case OUTCOME_RETRY:
    case OUTCOME_UNCERTAIN: engine_wake_in(destination, delivery->outcome.delay_ms); break;
    case OUTCOME_GIVEN_BACK: // to be claimed again, or ended
        destination->due = true;
        claim_floor_lower(&destination->floor, delivery->due_us);
        break;
    }
    destination_settle(destination);
}

// delivery_store() returns the rows it stored by their place in the batch. Missing rows had lost
// their lease.
static void take_stored(struct batch_item *const *items, const struct pg_result *result)
{
    for (size_t row = 0; row < pg_rows(result); row++) {
        int32_t place = GET(result, row, DELIVERY_STORE, place); // the first is 1
        delivery_of(items[place - 1])->undelivered = GET(result, row, DELIVERY_STORE, undelivered);
    }
}

static void outcomes_stored(void *context, struct batch_item *const *items, size_t count,
                            const struct pg_result *result)
{
    struct engine *engine = context;
    struct change_hints hints = {0};
    int64_t now_us = clock_monotonic_us();
    metric_add(engine->metrics.fenced, count - pg_rows(result));
    take_stored(items, result);

    for (size_t i = 0; i < count; i++) {
        struct delivery *delivery = delivery_of(items[i]);
        if (delivery->outcome.kind != OUTCOME_GIVEN_BACK) {
            engine_metrics_stored(delivery, now_us);
            change_hints_add_tenant(&hints, delivery->tenant);
        }
        go_on(delivery);
        delivery_free(engine, delivery);
        // A crash here: the whole batch is committed, and nothing waits for the rest.
        failpoint("delivery.mid_complete");
    }
    change_hints_send(&hints, service_bus(engine->service));
    engine_turn(engine);
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
    engine_turn(engine);
}

const struct batch_def engine_outcomes = {
    .name = "delivery.complete",
    .statement = STATEMENT_DELIVERY_STORE,
    .rows_limit = BATCH_ROWS_LIMIT,
    .bytes_limit = 256 * 1024,
    .lanes = 2,
    .bind = outcomes_bind,
    .done = outcomes_stored,
    .failed = outcome_not_stored,
};
