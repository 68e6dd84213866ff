// destinations: queries and changes of webhooks by operators. A committed change rings the doorbell
// of the delivery engines; after a crash before that their sweep finds it.
#include "service/tasks/change_hints.h"
#include "service/tasks/task_statement.h"
#include "sms-worker/delivery/engine.h"
#include "sms-worker/handlers.h"
#include "sms-worker/sms_worker.h"
#include "store/statements.h"

enum { PAGE_DEFAULT = 50 };

void on_destination_list(struct task *task, const struct msg_destination_list *message)
{
    struct pg_params params;

    BIND(&params, DESTINATION_LIST, .tenant = (int32_t)task_tenant(task), .state = message->state,
         .after = message->after, .count = message->count ? (int32_t)message->count : PAGE_DEFAULT);
    task_answer_by(task, &params);
}

// The three statements below have the same columns.
static void changed(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    struct change_hints hints = {0};

    if (err) {
        task_fail(task, err);
        return;
    }
    int32_t destination = GET(result, 0, DESTINATION_TRY, destination);
    engine_hurry(sms_worker_of(task->service)->engine, destination);
    change_hints_add_destination(&hints, (uint32_t)destination); // for the other workers
    change_hints_send(&hints, service_bus(task->service));
    task_reply_json(task, GET(result, 0, DESTINATION_TRY, answer));
}

void on_destination_try(struct task *task, const struct msg_destination_try *message)
{
    struct pg_params params;

    BIND(&params, DESTINATION_TRY, .tenant = (int32_t)task_tenant(task), .id = message->id);
    task_call(task, &params, changed);
}

void on_destination_enable(struct task *task, const struct msg_destination_enable *message)
{
    struct pg_params params;

    BIND(&params, DESTINATION_ENABLE, .tenant = (int32_t)task_tenant(task), .id = message->id);
    task_call(task, &params, changed);
}

void on_destination_disable(struct task *task, const struct msg_destination_disable *message)
{
    struct pg_params params;

    BIND(&params, DESTINATION_DISABLE, .tenant = (int32_t)task_tenant(task), .id = message->id);
    task_call(task, &params, changed);
}
