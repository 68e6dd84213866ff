// destinations: what operators ask of the webhooks, and do to them. What was changed rings the bell
// of the delivery engines once it is committed; dying before that leaves it to their sweep.
#include "service/news.h"
#include "service/task_statement.h"
#include "sms-worker/engine.h"
#include "sms-worker/sms_worker.h"
#include "store/statements.h"

enum { PAGE_DEFAULT = 50 };

void on_destination_list(struct task *task, const struct msg_destination_list *message);
void on_destination_try(struct task *task, const struct msg_destination_try *message);
void on_destination_enable(struct task *task, const struct msg_destination_enable *message);
void on_destination_disable(struct task *task, const struct msg_destination_disable *message);

void on_destination_list(struct task *task, const struct msg_destination_list *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, message->state);
    pg_text(&params, message->after);
    pg_int4(&params, message->count ? (int32_t)message->count : PAGE_DEFAULT);
    task_answer_by(task, STATEMENT_DESTINATION_LIST, &params);
}

static void changed(void *context, const struct pg_result *result, const struct err *err)
{
    enum { ANSWER, DESTINATION };
    struct task *task = context;
    struct news news = {0};

    if (err) {
        task_fail(task, err);
        return;
    }
    int32_t destination = pg_get_int4(result, 0, DESTINATION);
    engine_hurry(sms_worker_of(task->service)->engine, destination);
    news_of_destination(&news, (uint32_t)destination); // for the other workers
    news_send(&news, service_bus(task->service));
    task_reply_json(task, pg_get_text(result, 0, ANSWER));
}

static void change(struct task *task, unsigned statement, struct str id)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, id);
    task_call(task, statement, &params, changed);
}

void on_destination_try(struct task *task, const struct msg_destination_try *message)
{
    change(task, STATEMENT_DESTINATION_TRY, message->id);
}

void on_destination_enable(struct task *task, const struct msg_destination_enable *message)
{
    change(task, STATEMENT_DESTINATION_ENABLE, message->id);
}

void on_destination_disable(struct task *task, const struct msg_destination_disable *message)
{
    change(task, STATEMENT_DESTINATION_DISABLE, message->id);
}
