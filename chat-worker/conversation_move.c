// conversation_move: accept and done. Both may be repeated; the second time changes nothing.
#include "bus/bus_worker.h"
#include "service/news.h"
#include "service/service.h"
#include "service/task_statement.h"
#include "store/statements.h"

void on_conversation_accept(struct task *task, const struct msg_conversation_accept *message);
void on_conversation_done(struct task *task, const struct msg_conversation_done *message);

static void moved(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    struct service *service = task->service;
    uint32_t tenant = task_tenant(task);

    if (err) {
        task_fail(task, err);
        return;
    }
    // Dying here: committed, and the caller repeats what then changes nothing. The hint is lost;
    // feeds look again by themselves.
    task_reply_json(task, pg_get_text(result, 0, 0));
    news_tell(service_bus(service), tenant);
}

static void conversation_move(struct task *task, unsigned statement, struct id conversation)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, conversation);
    pg_text(&params, task->envelope.principal.name);
    task_call(task, statement, &params, moved);
}

void on_conversation_accept(struct task *task, const struct msg_conversation_accept *message)
{
    conversation_move(task, STATEMENT_CONVERSATION_ACCEPT, message->id);
}

void on_conversation_done(struct task *task, const struct msg_conversation_done *message)
{
    conversation_move(task, STATEMENT_CONVERSATION_DONE, message->id);
}
