// conversation_post: an agent answers.   posted -> stored with its delivery -> answered -> doorbell
//
// The answer goes out when message, delivery row, event and ledger entry are committed together.
// From there a crash can delay the text but not lose it: the delivery engine finds the row without
// a doorbell, too.
#include "bus/bus_worker.h"
#include "io/crypto.h"
#include "service/news.h"
#include "service/service.h"
#include "service/task.h"
#include "store/statements.h"

enum outcome {
    STORED = 1,
    NO_SUCH_CONVERSATION = 2,
    CONVERSATION_IS_DONE = 3,
    NO_WAY_OUT = 4,
    NO_NUMBER = 5
};

extern const struct batch_def conversation_post_batch;

static const struct msg_conversation_post *post_of(struct batch_item *item)
{
    return task_of_item(item)->message;
}

// Repeated with the same clientId it is the same message; without one each post is a message of its
// own. The id of a task is made once, when it is first bound: a batch that runs again must use the
// same.
static struct id message_id(struct task *task, const struct msg_conversation_post *post)
{
    if (!id_is_none(task->chosen_id))
        return task->chosen_id;
    if (post->client_id.len > 0) {
        const struct str parts[] = {STR("post"), id_bytes(&post->id), post->client_id};
        task->chosen_id = crypto_id_of(parts, COUNT_OF(parts));
    } else {
        task->chosen_id = id_new();
    }
    return task->chosen_id;
}

static bool post_admit(void *context, struct batch_item *item, struct err *err)
{
    const struct msg_conversation_post *post = post_of(item);

    (void)context;
    if (post->type.len > 0 && !str_equal(post->type, STR("Text")))
        return err_set(err, ERR_BAD_INPUT, "type: Text is the only one");
    return true;
}

static void posts_bind(void *context, struct batch_item *const *items, size_t count,
                       struct pg_params *params)
{
    (void)context;
    pg_array(params, PG_ELEMENT_INT4, count);
    for (size_t i = 0; i < count; i++)
        pg_add_int4(params, (int32_t)task_tenant(task_of_item(items[i])));
    pg_array(params, PG_ELEMENT_UUID, count);
    for (size_t i = 0; i < count; i++)
        pg_add_id(params, post_of(items[i])->id);
    pg_array(params, PG_ELEMENT_UUID, count);
    for (size_t i = 0; i < count; i++)
        pg_add_id(params, message_id(task_of_item(items[i]), post_of(items[i])));
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, post_of(items[i])->client_id);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, task_of_item(items[i])->envelope.principal.name);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, post_of(items[i])->text);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, post_of(items[i])->content);
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, task_traceparent(task_of_item(items[i])));
}

static void post_answer(struct task *task, const struct pg_result *result, size_t row)
{
    const struct msg_conversation_post *post = task->message;
    AUTO(buf) json = {0};
    struct err err;

    switch (pg_get_int2(result, row, 0)) {
    case STORED:
        json_open(&json, '{');
        json_key_id(&json, "id", message_id(task, post));
        json_key_int(&json, "sequence", pg_get_int4(result, row, 1));
        json_key_str(&json, "state", pg_get_text(result, row, 2));
        json_close(&json, '}');
        task_reply(task, buf_str(&json));
        return;
    case CONVERSATION_IS_DONE: err_set(&err, ERR_CONFLICT, "the conversation is done"); break;
    case NO_WAY_OUT:
        err_set(&err, ERR_CONFLICT, "the conversation's channel has no provider to send with");
        break;
    case NO_NUMBER:
        err_set(&err, ERR_CONFLICT, "the sender has a name and no number: it cannot be answered");
        break;
    default: err_set(&err, ERR_NOT_FOUND, "there is no such conversation"); break;
    }
    task_fail(task, &err);
}

static void posts_stored(void *context, struct batch_item *const *items, size_t count,
                         const struct pg_result *result)
{
    struct service *service = context;
    struct news news = {0};

    tasks_committed(service, items, count);

    for (size_t i = 0; i < count; i++) {
        struct task *task = task_of_item(items[i]);
        if (!pg_is_null(result, i, 3)) {
            news_of_tenant(&news, task_tenant(task));
            news_of_destination(&news, (uint32_t)pg_get_int4(result, i, 3));
        }
        post_answer(task, result, i);
    }
    news_send(&news, service_bus(service));
}

static void post_failed(void *context, struct batch_item *item, const struct err *err)
{
    (void)context;
    task_fail(task_of_item(item), err);
}

const struct batch_def conversation_post_batch = {
    .name = "conversation.post",
    .statement = STATEMENT_CONVERSATION_POST,
    .rows_limit = 200,
    .bytes_limit = 256 * 1024,
    .lanes = 2,
    .admit = post_admit,
    .bind = posts_bind,
    .done = posts_stored,
    .failed = post_failed,
};
