// message_cancel: one message is taken out of the queue, in one transaction with the audit row → the
// bell rings for those that waited behind it → answered.
#include "service/news.h"
#include "service/task_statement.h"
#include "sms-worker/engine.h"
#include "sms-worker/sms_worker.h"
#include "store/statements.h"

void on_message_cancel(struct task *task, const struct msg_message_cancel *message);

static void cancelled(void *context, const struct pg_result *result, const struct err *err)
{
    enum { ANSWER, TENANT, DESTINATION };
    struct task *task = context;
    struct news news = {0};

    if (err) {
        task_fail(task, err);
        return;
    }
    // Dying here: it is cancelled; the sweep finds those behind it, and who repeats gets this answer.
    if (!pg_is_null(result, 0, DESTINATION)) {
        int32_t destination = pg_get_int4(result, 0, DESTINATION);
        news_of_tenant(&news, (uint32_t)pg_get_int4(result, 0, TENANT));
        news_of_destination(&news, (uint32_t)destination);
        engine_hurry(sms_worker_of(task->service)->engine, destination);
        news_send(&news, service_bus(task->service));
    }
    task_reply_json(task, pg_get_text(result, 0, ANSWER));
}

void on_message_cancel(struct task *task, const struct msg_message_cancel *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, message->id);
    task_call(task, STATEMENT_MESSAGE_CANCEL, &params, cancelled);
}
