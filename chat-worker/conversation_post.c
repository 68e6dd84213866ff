// conversation_post: an agent answers.   posted -> stored with its delivery -> answered -> doorbell
//
// The answer is sent when message, delivery row, event and ledger entry are committed together.
// After that a crash can delay the text but not lose it: the delivery engine finds the row without
// a doorbell too.
#include "bus/worker/bus_worker.h"
#include "chat-worker/handlers.h"
#include "crypto/crypto.h"
#include "service/service.h"
#include "service/tasks/change_hints.h"
#include "service/tasks/task.h"
#include "store/numbers.h"
#include "store/statements.h"

static const struct msg_conversation_post *post_of(struct batch_item *item)
{
    return conversation_post_of(task_of_item(item));
}

// A repetition with the same clientId is the same message; without one each post is a new message.
// The id of a task is made once, when it is first bound: a batch that runs again must use the same.
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
    struct row_CONVERSATION_POST rows[BATCH_ROWS_LIMIT];

    (void)context;
    for (size_t i = 0; i < count; i++) {
        struct task *task = task_of_item(items[i]);
        const struct msg_conversation_post *post = post_of(items[i]);
        rows[i] = (struct row_CONVERSATION_POST){
            .tenants = (int32_t)task_tenant(task),
            .conversations = post->id,
            .ids = message_id(task, post),
            .client_ids = post->client_id,
            .authors = task->envelope.principal.name,
            .bodies = post->text,
            .contents = post->content,
            .traces = task_traceparent(task),
        };
    }
    BIND_ROWS(params, CONVERSATION_POST, rows, count);
}

static void post_answer(struct task *task, const struct pg_result *result, size_t row)
{
    struct err err;

    switch (GET(result, row, CONVERSATION_POST, outcome)) {
    case POST_STORED: task_reply(task, GET(result, row, CONVERSATION_POST, answer)); return;
    case POST_CONVERSATION_IS_DONE: err_set(&err, ERR_CONFLICT, "the conversation is done"); break;
    case POST_NO_WAY_OUT:
        err_set(&err, ERR_CONFLICT, "the channel of this conversation has no webhook");
        break;
    case POST_ANOTHER_TEXT:
        err_set(&err, ERR_CONFLICT,
                "clientId: it was used in this conversation for another text or content");
        break;
    case POST_NO_NUMBER:
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
    struct change_hints hints = {0};

    tasks_committed(service, items, count);

    for (size_t i = 0; i < count; i++) {
        struct task *task = task_of_item(items[i]);
        if (!IS_NULL(result, i, CONVERSATION_POST, destination)) {
            change_hints_add_tenant(&hints, task_tenant(task));
            change_hints_add_destination(&hints,
                                         (uint32_t)GET(result, i, CONVERSATION_POST, destination));
        }
        post_answer(task, result, i);
    }
    change_hints_send(&hints, service_bus(service));
}

const struct batch_def conversation_post_batch = {
    .name = "conversation.post",
    .statement = STATEMENT_CONVERSATION_POST,
    .rows_limit = BATCH_ROWS_LIMIT,
    .bytes_limit = 256 * 1024,
    .lanes = 2,
    .admit = post_admit,
    .bind = posts_bind,
    .done = posts_stored,
    .failed = task_item_failed,
};
