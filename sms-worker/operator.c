// operator: the operator's questions. Each is one statement whose JSON is the reply.
#include "sms-worker/sms_worker.h"

#include "bus/bus_worker.h"
#include "service/task.h"
#include "store/statements.h"

enum { PAGE_DEFAULT = 100 };

static uint32_t or_default(uint32_t count, uint32_t fallback)
{
    return count ? count : fallback;
}

static void answer_json(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    if (err)
        task_fail(task, err);
    else
        task_reply(task, pg_get_text(result, 0, 0));
}

void on_receipt_list(struct task *task, const struct msg_receipt_list *message)
{
    struct pg_params params;
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, message->after);
    pg_int4(&params, (int32_t)or_default(message->count, PAGE_DEFAULT));
    pg_call(service_pg(task->service), STATEMENT_RECEIPT_LIST, &params, answer_json, task);
}

void on_ledger_read(struct task *task, const struct msg_ledger_read *message)
{
    struct pg_params params;
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, message->from);
    pg_text(&params, message->to);
    pg_text(&params, message->by);
    pg_call(service_pg(task->service), STATEMENT_LEDGER_JSON, &params, answer_json, task);
}

void on_undelivered_list(struct task *task, const struct msg_undelivered_list *message)
{
    struct id after = {0};
    struct err err;
    if (message->after.len > 0 && !id_parse(message->after, &after)) {
        err_set(&err, ERR_BAD_INPUT, "after is not the id of a message");
        task_fail(task, &err);
        return;
    }
    struct pg_params params;
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, after);
    pg_int4(&params, (int32_t)or_default(message->count, PAGE_DEFAULT));
    pg_call(service_pg(task->service), STATEMENT_UNDELIVERED_LIST, &params, answer_json, task);
}
