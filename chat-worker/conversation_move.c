// conversation_move: accept and done. Both may be repeated; the second time changes nothing.
#include "bus/worker/bus_worker.h"
#include "chat-worker/handlers.h"
#include "service/service.h"
#include "service/tasks/change_hints.h"
#include "service/tasks/task_statement.h"
#include "store/statements.h"

static void moved(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    struct service *service = task->service;
    uint32_t tenant = task_tenant(task);

    if (err) {
        task_fail(task, err);
        return;
    }
    // A crash here: committed, and a repetition changes nothing. The hint is lost; feeds look again
    // by themselves.
    task_reply_json(task, pg_get_text(result, 0, 0));
    change_hints_send_tenant(service_bus(service), tenant);
}

void on_conversation_accept(struct task *task, const struct msg_conversation_accept *message)
{
    struct pg_params params;

    BIND(&params, CONVERSATION_ACCEPT, .tenant = (int32_t)task_tenant(task), .wanted = message->id,
         .by_agent = task->envelope.principal.name);
    task_call(task, &params, moved);
}

void on_conversation_done(struct task *task, const struct msg_conversation_done *message)
{
    struct pg_params params;

    BIND(&params, CONVERSATION_DONE, .tenant = (int32_t)task_tenant(task), .wanted = message->id,
         .by_agent = task->envelope.principal.name);
    task_call(task, &params, moved);
}
