// sms_receipt: delivery receipts. stored → bound to their message, or waiting for it → answered.
//
// A receipt for an id nobody knows is a good receipt: its message's id may still be on the way
// here. It is stored, answered with 200, and bound when the id comes (db/functions/receipt.sql).
#include "base/clock.h"
#include "base/spans.h"
#include "service/news.h"
#include "service/service.h"
#include "service/task.h"
#include "store/statements.h"

extern const struct batch_def sms_receipt_batch;

static const struct msg_sms_receipt *receipt_of(struct batch_item *item)
{
    return task_of_item(item)->message;
}

static void receipts_bind(void *context, struct batch_item *const *items, size_t count,
                          struct pg_params *params)
{
    (void)context;
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int4(params, (int32_t)task_tenant(task_of_item(items[i])));
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, receipt_of(items[i])->message_id);
    pg_array(params, PG_ELEMENT_INT2, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int2(params, (int16_t)receipt_of(items[i])->message_state);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, receipt_of(items[i])->shortcode);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, receipt_of(items[i])->result_code);
}

static void receipt_answer(struct task *task, bool bound)
{
    const struct msg_sms_receipt *receipt = task->message;
    AUTO(buf) json = {0};
    json_open(&json, '{');
    json_key_str(&json, "messageId", receipt->message_id);
    json_key_bool(&json, "bound", bound);
    json_close(&json, '}');
    task_reply(task, buf_str(&json));
}

// The last span of its message's trace, linked to that of the receipt's own request.
static void receipt_trace(const struct task *task, struct str traceparent, int64_t accepted_us)
{
    const struct msg_sms_receipt *receipt = task->message;
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
    enum { BOUND, REPEATED, CHANGED, TRACEPARENT, ACCEPTED_US };
    struct service *service = context;
    struct metrics *metrics = service_metrics(service);
    struct news news = {0};

    for (size_t i = 0; i < count; i++) {
        struct task *task = task_of_item(items[i]);
        bool bound = pg_get_bool(result, i, BOUND);
        const char *outcome = pg_get_bool(result, i, REPEATED)  ? "repeated"
                              : !bound                          ? "waiting"
                              : pg_get_bool(result, i, CHANGED) ? "bound"
                                                                : "ignored";
        metric_add(metrics_series(metrics, METRIC_RECEIPTS, outcome), 1);
        if (pg_get_bool(result, i, REPEATED))
            metric_add(metrics_series(metrics, METRIC_DUPLICATES, "sms.receipt"), 1);
        if (pg_get_bool(result, i, CHANGED)) {
            news_of_tenant(&news, task_tenant(task));
            receipt_trace(task, pg_get_text(result, i, TRACEPARENT),
                          pg_get_int8(result, i, ACCEPTED_US));
        }
        receipt_answer(task, bound);
    }
    news_send(&news, service_bus(service));
}

static void receipt_failed(void *context, struct batch_item *item, const struct err *err)
{
    (void)context;
    task_fail(task_of_item(item), err);
}

const struct batch_def sms_receipt_batch = {
    .name = "sms.receipt",
    .statement = STATEMENT_RECEIPT_STORE,
    .rows_limit = 200,
    .bytes_limit = 256 * 1024,
    .lanes = 2,
    .bind = receipts_bind,
    .done = receipts_stored,
    .failed = receipt_failed,
};
