// operator: the questions of those who run the place. Each is one statement that answers in JSON.
#include "service/task_statement.h"
#include "store/statements.h"

enum { PAGE_DEFAULT = 100 };

void on_receipt_list(struct task *task, const struct msg_receipt_list *message);
void on_ledger_read(struct task *task, const struct msg_ledger_read *message);
void on_undelivered_list(struct task *task, const struct msg_undelivered_list *message);

void on_receipt_list(struct task *task, const struct msg_receipt_list *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, message->after);
    pg_int4(&params, message->count ? (int32_t)message->count : PAGE_DEFAULT);
    task_answer_by(task, STATEMENT_RECEIPT_LIST, &params);
}

void on_ledger_read(struct task *task, const struct msg_ledger_read *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, message->from);
    pg_text(&params, message->to);
    pg_text(&params, message->by);
    task_answer_by(task, STATEMENT_LEDGER_JSON, &params);
}

void on_undelivered_list(struct task *task, const struct msg_undelivered_list *message)
{
    struct pg_params params;
    struct id after = {0};
    struct err err;

    if (message->after.len > 0 && !id_parse(message->after, &after)) {
        err_set(&err, ERR_BAD_INPUT, "after: the id of a message");
        task_fail(task, &err);
        return;
    }
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, after);
    pg_int4(&params, message->count ? (int32_t)message->count : PAGE_DEFAULT);
    task_answer_by(task, STATEMENT_UNDELIVERED_LIST, &params);
}
