// message_cancel: removes one message from the queue, in one transaction with the audit row → rings
// the doorbell for messages that waited behind it → answers.
#include "service/tasks/change_hints.h"
#include "service/tasks/task_statement.h"
#include "sms-worker/delivery/engine.h"
#include "sms-worker/handlers.h"
#include "sms-worker/sms_worker.h"
#include "store/statements.h"

static void cancelled(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    struct change_hints hints = {0};

    if (err) {
        task_fail(task, err);
        return;
    }
    // A crash here: it is cancelled; the sweep finds the messages behind it, and a repetition gets
    // this answer.
    if (!IS_NULL(result, 0, MESSAGE_CANCEL, destination)) {
        int32_t destination = GET(result, 0, MESSAGE_CANCEL, destination);
        change_hints_add_tenant(&hints, (uint32_t)GET(result, 0, MESSAGE_CANCEL, tenant));
        change_hints_add_destination(&hints, (uint32_t)destination);
        engine_hurry(sms_worker_of(task->service)->engine, destination);
        change_hints_send(&hints, service_bus(task->service));
    }
    task_reply_json(task, GET(result, 0, MESSAGE_CANCEL, answer));
}

void on_message_cancel(struct task *task, const struct msg_message_cancel *message)
{
    struct pg_params params;

    BIND(&params, MESSAGE_CANCEL, .tenant = (int32_t)task_tenant(task), .id = message->id);
    task_call(task, &params, cancelled);
}
