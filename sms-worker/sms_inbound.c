// sms_inbound: a text message arrives (MO).   posted -> admitted -> stored -> answered -> hints
//                                              a STOP:           stored -> fence -> answered
//
// The aggregator is told 200 when message, conversation and all that belongs to it are committed
// together; until then it keeps the message and repeats it under the same message_id, which leads
// to the same row and the same answer.
#include "service/news.h"
#include "service/service.h"
#include "service/task.h"
#include "sms-worker/keyword.h"
#include "sms-worker/mo_identity.h"
#include "sms-worker/sms_attachments.h"
#include "sms-worker/stop_fence.h"
#include "store/statements.h"

enum outcome {
    STORED = 1,
    STORED_BEFORE = 2,
    NO_SUCH_NUMBER = 3,
    PART_STORED = 4,
    PART_STORED_BEFORE = 5
};

extern const struct batch_def sms_inbound_batch;

static const struct msg_sms_inbound *mo_of(struct batch_item *item)
{
    return task_of_item(item)->message;
}

static bool mo_admit(void *context, struct batch_item *item, struct err *err)
{
    struct task *task = task_of_item(item);
    struct msg_sms_inbound *mo = ARENA_ALLOC(task->arena, struct msg_sms_inbound);
    struct str said = STR_ABSENT;

    (void)context;
    *mo = *(const struct msg_sms_inbound *)task->message;
    if (!str_present(mo->message) && mo->mms_attachment.len == 0)
        return err_set(err, ERR_BAD_INPUT, "message: missing, and there is no mms_attachment");
    mo->mms_attachment = sms_attachments(task->arena, mo->mms_attachment);
    task->message = mo;
    task->chosen_id = mo_id(mo, task->arena); // of what came, not of what is made of it
    if (str_trim(mo->message).len == 0)
        said = sms_attachments_text(task->arena, mo->mms_attachment);
    if (str_present(said))
        mo->message = said;
    return true;
}

static void text_array(struct pg_params *params, struct batch_item *const *items, size_t count,
                       size_t field)
{
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++) {
        const char *mo = (const char *)mo_of(items[i]);
        struct str text;
        memcpy(&text, mo + field, sizeof text);
        pg_add_text(params, text.len > 0 ? text : STR_ABSENT);
    }
}

#define TEXTS(field) text_array(params, items, count, offsetof(struct msg_sms_inbound, field))

static void mos_bind(void *context, struct batch_item *const *items, size_t count,
                     struct pg_params *params)
{
    (void)context;
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int4(params, (int32_t)task_tenant(task_of_item(items[i])));
    TEXTS(shortcode);
    pg_array(params, PG_ELEMENT_UUID, count);
    for (size_t i = 0; i < count; i++)
        pg_add_id(params, task_of_item(items[i])->chosen_id);
    TEXTS(message_id);
    TEXTS(phone_number);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params,
                    str_present(mo_of(items[i])->message) ? mo_of(items[i])->message : STR(""));
    pg_array(params, PG_ELEMENT_UUID, count);
    for (size_t i = 0; i < count; i++)
        pg_add_id(params, id_new());
    TEXTS(mms_attachment);
    TEXTS(concat_reference);
    pg_array(params, PG_ELEMENT_INT2, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int2(params, mo_place(mo_of(items[i])).total);
    pg_array(params, PG_ELEMENT_INT2, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int2(params, mo_place(mo_of(items[i])).part);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, task_traceparent(task_of_item(items[i])));
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++) {
        char room[KEYWORD_KEY_LIMIT];
        pg_add_text(params, keyword_key(mo_of(items[i])->message, room));
    }
}

// Somebody of the batch said STOP, or did so before and did not get to know that it was taken: whose
// answer has to wait the fence finds out.
static bool may_be_stop(const struct pg_result *result, size_t row)
{
    return pg_get_bool(result, row, 5) || pg_get_int2(result, row, 0) == STORED_BEFORE;
}

static void mo_answer(struct task *task, const struct pg_result *result, size_t row,
                      struct stop_fence **fence)
{
    AUTO(buf) json = {0};
    struct err err;

    if (pg_get_int2(result, row, 0) == NO_SUCH_NUMBER) {
        err_set(&err, ERR_NOT_FOUND, "shortcode: not a number of this contact center");
        task_fail(task, &err);
        return;
    }
    json_open(&json, '{');
    json_key_id(&json, "messageId", pg_get_id(result, row, 1));
    if (!pg_is_null(result, row, 2)) {
        json_key_id(&json, "conversationId", pg_get_id(result, row, 2));
        json_key_int(&json, "sequence", pg_get_int4(result, row, 3));
    }
    json_close(&json, '}');
    if (may_be_stop(result, row))
        stop_fence_add(fence, task->service, task, pg_get_id(result, row, 1), buf_str(&json));
    else
        task_reply(task, buf_str(&json));
}

static void mos_stored(void *context, struct batch_item *const *items, size_t count,
                       const struct pg_result *result)
{
    struct service *service = context;
    struct news news = {0};
    struct stop_fence *fence = NULL;

    uint64_t stored = 0, repeated = 0;

    tasks_committed(service, items, count);
    for (size_t i = 0; i < count; i++) {
        struct task *task = task_of_item(items[i]);
        int16_t outcome = pg_get_int2(result, i, 0);
        stored += outcome == STORED || outcome == PART_STORED;
        repeated += outcome == STORED_BEFORE || outcome == PART_STORED_BEFORE;
        if (outcome == STORED || outcome == PART_STORED)
            news_of_tenant(&news, task_tenant(task));
        if (!pg_is_null(result, i, 4)) // it was a keyword, and our answer waits to be sent
            news_of_destination(&news, (uint32_t)pg_get_int4(result, i, 4));
        mo_answer(task, result, i, &fence);
    }
    // Dying here: it is stored and not answered; its repetition finds it and raises the fence anew.
    stop_fence_raise(&fence);
    metric_add(metrics_series(service_metrics(service), METRIC_MESSAGES, "sms", "in", "received"),
               stored);
    metric_add(metrics_series(service_metrics(service), METRIC_DUPLICATES, "sms.inbound"),
               repeated);
    // Dying here: all is committed and answered; feeds look for news by themselves, a second later.
    news_send(&news, service_bus(service));
}

static void mo_failed(void *context, struct batch_item *item, const struct err *err)
{
    (void)context;
    task_fail(task_of_item(item), err);
}

const struct batch_def sms_inbound_batch = {
    .name = "sms.inbound",
    .statement = STATEMENT_SMS_ACCEPT,
    .rows_limit = 200,
    .bytes_limit = 256 * 1024,
    .lanes = 2,
    .admit = mo_admit,
    .bind = mos_bind,
    .done = mos_stored,
    .failed = mo_failed,
};
