// sms_receipt: delivery receipts. stored → bound to their message, or waiting for it → answered.
//
// A receipt for an unknown id is accepted, because its message's id may not be stored yet. It is
// stored, answered with 200, and bound when the id is known (db/functions/delivery/receipt.sql).
#include "base/clock.h"
#include "service/service.h"
#include "service/tasks/change_hints.h"
#include "service/tasks/task.h"
#include "sms-worker/handlers.h"
#include "store/statements.h"
#include "telemetry/spans.h"

static const struct msg_sms_receipt *receipt_of(struct batch_item *item)
{
    return sms_receipt_of(task_of_item(item));
}

static void receipts_bind(void *context, struct batch_item *const *items, size_t count,
                          struct pg_params *params)
{
    struct row_RECEIPT_STORE rows[BATCH_ROWS_LIMIT];

    (void)context;
    for (size_t i = 0; i < count; i++) {
        const struct msg_sms_receipt *receipt = receipt_of(items[i]);
        rows[i] = (struct row_RECEIPT_STORE){
            .tenants = (int32_t)task_tenant(task_of_item(items[i])),
            .provider_ids = receipt->message_id,
            .states = (int16_t)receipt->message_state,
            .numbers = receipt->shortcode,
            .results = receipt->result_code,
        };
    }
    BIND_ROWS(params, RECEIPT_STORE, rows, count);
}

// The last span of its message's trace, linked to that of the receipt's own request.
static void receipt_trace(const struct task *task, struct str traceparent, int64_t accepted_us)
{
    const struct msg_sms_receipt *receipt = sms_receipt_of(task);
    struct spans *spans = service_spans(task->service);
    struct trace message;
    struct span *span;

    if (!spans || !trace_parse(traceparent, &message))
        return;
    struct trace trace = trace_at(&message, 0);
    span = spans_add(spans, SPAN_RECEIPT, &trace, false, task->started_us);
    if (!span)
        return;
    if (clock_unix_us() - accepted_us <= SPAN_LATE_US)
        span->parent = message.span;
    span->link = trace_at(&task->trace, task->span);
    span_int(span, "nexus.tenant", task_tenant(task));
    span_int(span, "nexus.receipt_state", receipt->message_state);
}

static void receipts_stored(void *context, struct batch_item *const *items, size_t count,
                            const struct pg_result *result)
{
    struct service *service = context;
    struct metrics *metrics = service_metrics(service);
    struct change_hints hints = {0};

    for (size_t i = 0; i < count; i++) {
        struct task *task = task_of_item(items[i]);
        bool bound = GET(result, i, RECEIPT_STORE, bound);
        const char *outcome = GET(result, i, RECEIPT_STORE, repeated)  ? "repeated"
                              : !bound                                 ? "waiting"
                              : GET(result, i, RECEIPT_STORE, changed) ? "bound"
                                                                       : "ignored";
        metric_add(metrics_series(metrics, METRIC_RECEIPTS, outcome), 1);
        if (GET(result, i, RECEIPT_STORE, repeated))
            metric_add(metrics_series(metrics, METRIC_DUPLICATES, "sms.receipt"), 1);
        if (GET(result, i, RECEIPT_STORE, changed)) {
            change_hints_add_tenant(&hints, task_tenant(task));
            receipt_trace(task, GET(result, i, RECEIPT_STORE, traceparent),
                          GET(result, i, RECEIPT_STORE, accepted_us));
        }
        task_reply(task, GET(result, i, RECEIPT_STORE, answer));
    }
    change_hints_send(&hints, service_bus(service));
}

const struct batch_def sms_receipt_batch = {
    .name = "sms.receipt",
    .statement = STATEMENT_RECEIPT_STORE,
    .rows_limit = BATCH_ROWS_LIMIT,
    .bytes_limit = 256 * 1024,
    .lanes = 2,
    .bind = receipts_bind,
    .done = receipts_stored,
    .failed = task_item_failed,
};
