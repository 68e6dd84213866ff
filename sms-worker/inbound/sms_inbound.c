// sms_inbound: a text message arrives (MO).   posted -> admitted -> stored -> answered -> hints
//                                              a STOP:           stored -> fence -> answered
//
// The aggregator gets 200 when the message, its conversation and everything that belongs to it are
// committed together. Until then it keeps the message and repeats it under the same message_id,
// which leads to the same row and the same answer.
#include "service/service.h"
#include "service/tasks/change_hints.h"
#include "service/tasks/task.h"
#include "sms-worker/handlers.h"
#include "sms-worker/inbound/keyword.h"
#include "sms-worker/inbound/mo_identity.h"
#include "sms-worker/inbound/sms_attachments.h"
#include "sms-worker/inbound/stop_fence.h"
#include "store/numbers.h"
#include "store/statements.h"

static const struct msg_sms_inbound *mo_of(struct batch_item *item)
{
    return sms_inbound_of(task_of_item(item));
}

static bool mo_admit(void *context, struct batch_item *item, struct err *err)
{
    struct task *task = task_of_item(item);
    struct msg_sms_inbound *mo = ARENA_ALLOC(task->arena, struct msg_sms_inbound);
    struct str said = STR_ABSENT;

    (void)context;
    *mo = *sms_inbound_of(task);
    if (!str_present(mo->message) && mo->mms_attachment.len == 0)
        return err_set(err, ERR_BAD_INPUT, "message: missing (and there is no mms_attachment)");
    mo->mms_attachment = sms_attachments(task->arena, mo->mms_attachment);
    sms_inbound_replace(task, mo);
    task->chosen_id = mo_id(mo, task->arena); // of the received values, not of the converted ones
    if (str_trim(mo->message).len == 0)
        said = sms_attachments_text(task->arena, mo->mms_attachment);
    if (str_present(said))
        mo->message = said;
    return true;
}

// Empty is as absent where a column may be NULL.
static struct str some(struct str text)
{
    return text.len > 0 ? text : STR_ABSENT;
}

static void mos_bind(void *context, struct batch_item *const *items, size_t count,
                     struct pg_params *params)
{
    struct row_SMS_ACCEPT rows[BATCH_ROWS_LIMIT];
    char keys[BATCH_ROWS_LIMIT][KEYWORD_KEY_LIMIT];

    (void)context;
    for (size_t i = 0; i < count; i++) {
        struct task *task = task_of_item(items[i]);
        const struct msg_sms_inbound *mo = mo_of(items[i]);
        struct mo_place place = mo_place(mo);
        rows[i] = (struct row_SMS_ACCEPT){
            .tenants = (int32_t)task_tenant(task),
            .numbers = some(mo->shortcode),
            .ids = task->chosen_id,
            .externals = some(mo->message_id),
            .addresses = some(mo->phone_number),
            .bodies = str_present(mo->message) ? mo->message : STR(""),
            .conversations = id_new(),
            .attachments = some(mo->mms_attachment),
            .refs = some(mo->concat_reference),
            .totals = place.total,
            .parts = place.part,
            .traces = task_traceparent(task),
            .keys = keyword_key(mo->message, keys[i]),
        };
    }
    BIND_ROWS(params, SMS_ACCEPT, rows, count);
}

// The batch has a STOP, or this is a repetition, perhaps of a STOP or of the part that completed one;
// stop_fence() finds out which answers have to wait.
static bool may_be_stop(const struct pg_result *result, size_t row)
{
    int16_t outcome = GET(result, row, SMS_ACCEPT, outcome);

    return GET(result, row, SMS_ACCEPT, stop_was_said) || outcome == ACCEPT_STORED_BEFORE ||
           outcome == ACCEPT_PART_STORED_BEFORE;
}

static void mo_answer(struct task *task, const struct pg_result *result, size_t row,
                      struct stop_fence **fence)
{
    struct str answer = GET(result, row, SMS_ACCEPT, answer);
    struct err err;

    if (GET(result, row, SMS_ACCEPT, outcome) == ACCEPT_NO_SUCH_NUMBER) {
        err_set(&err, ERR_NOT_FOUND, "shortcode: not a number of this contact center");
        task_fail(task, &err);
        return;
    }
    if (may_be_stop(result, row))
        stop_fence_add(fence, task->service, task, GET(result, row, SMS_ACCEPT, message_id),
                       answer);
    else
        task_reply(task, answer);
}

static void mos_stored(void *context, struct batch_item *const *items, size_t count,
                       const struct pg_result *result)
{
    struct service *service = context;
    struct change_hints hints = {0};
    struct stop_fence *fence = NULL;

    uint64_t stored = 0, repeated = 0;

    tasks_committed(service, items, count);
    for (size_t i = 0; i < count; i++) {
        struct task *task = task_of_item(items[i]);
        int16_t outcome = GET(result, i, SMS_ACCEPT, outcome);
        stored += outcome == ACCEPT_STORED || outcome == ACCEPT_PART_STORED;
        repeated += outcome == ACCEPT_STORED_BEFORE || outcome == ACCEPT_PART_STORED_BEFORE;
        if (outcome == ACCEPT_STORED || outcome == ACCEPT_PART_STORED)
            change_hints_add_tenant(&hints, task_tenant(task));
        if (!IS_NULL(result, i, SMS_ACCEPT,
                     bell)) // it was a keyword, and our reply is waiting to be sent
            change_hints_add_destination(&hints, (uint32_t)GET(result, i, SMS_ACCEPT, bell));
        mo_answer(task, result, i, &fence);
    }
    // A crash here: it is stored and not answered; its repetition finds it and raises the fence
    // again.
    stop_fence_raise(&fence);
    metric_add(metrics_series(service_metrics(service), METRIC_MESSAGES, "sms", "in", "received"),
               stored);
    metric_add(metrics_series(service_metrics(service), METRIC_DUPLICATES, "sms.inbound"),
               repeated);
    // A crash here: everything is committed and answered; feeds look for new events by themselves,
    // a second later.
    change_hints_send(&hints, service_bus(service));
}

const struct batch_def sms_inbound_batch = {
    .name = "sms.inbound",
    .statement = STATEMENT_SMS_ACCEPT,
    .rows_limit = BATCH_ROWS_LIMIT,
    .bytes_limit = 256 * 1024,
    .lanes = 2,
    .admit = mo_admit,
    .bind = mos_bind,
    .done = mos_stored,
    .failed = task_item_failed,
};
