// operator: the questions of those who run the place. Each is one statement that answers in JSON.
#include "service/task_statement.h"
#include "store/statements.h"

enum { PAGE_DEFAULT = 100 };
static const int64_t position_limit = INT64_C(253402300800000000); // the year 10000, in µs

void on_receipt_list(struct task *task, const struct msg_receipt_list *message);
void on_ledger_read(struct task *task, const struct msg_ledger_read *message);
void on_undelivered_list(struct task *task, const struct msg_undelivered_list *message);
void on_message_timeline(struct task *task, const struct msg_message_timeline *message);

void on_receipt_list(struct task *task, const struct msg_receipt_list *message)
{
    struct pg_params params;
    int64_t after_us = 0;
    struct err err;

    if (message->after.len > 0 && !str_to_int(message->after, 0, position_limit, &after_us)) {
        err_set(&err, ERR_BAD_INPUT, "after: the position of a receipt");
        task_fail(task, &err);
        return;
    }
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_int8(&params, after_us);
    pg_int4(&params, message->count ? (int32_t)message->count : PAGE_DEFAULT);
    task_answer_by(task, STATEMENT_RECEIPT_LIST, &params);
}

void on_ledger_read(struct task *task, const struct msg_ledger_read *message)
{
    struct pg_params params;
    struct err err;

    if (message->by.len > 0 && !str_equal(message->by, STR("channel")) &&
        !str_equal(message->by, STR("tenant"))) {
        err_set(&err, ERR_BAD_INPUT, "by: channel or tenant");
        task_fail(task, &err);
        return;
    }
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

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, message->after);
    pg_text(&params, message->reason);
    pg_text(&params, message->channel);
    pg_text(&params, message->from);
    pg_text(&params, message->to);
    pg_int4(&params, message->count ? (int32_t)message->count : PAGE_DEFAULT);
    pg_text(&params, message->sort);
    pg_text(&params, message->order);
    task_answer_by(task, STATEMENT_UNDELIVERED_LIST, &params);
}

void on_message_timeline(struct task *task, const struct msg_message_timeline *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, message->id);
    task_answer_by(task, STATEMENT_MESSAGE_TIMELINE, &params);
}
