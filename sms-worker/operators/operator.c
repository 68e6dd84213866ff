// operator: the queries of operators. Each is one statement that returns JSON.
#include "service/tasks/task_statement.h"
#include "sms-worker/handlers.h"
#include "store/statements.h"

enum { PAGE_DEFAULT = 100 };
static const int64_t position_limit = INT64_C(253402300800000000); // the year 10000, in µs

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
    BIND(&params, RECEIPT_LIST, .tenant = (int32_t)task_tenant(task), .after_us = after_us,
         .page = message->count ? (int32_t)message->count : PAGE_DEFAULT);
    task_answer_by(task, &params);
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
    BIND(&params, LEDGER_JSON, .tenant = (int32_t)task_tenant(task), .from = message->from,
         .to = message->to, .by = message->by);
    task_answer_by(task, &params);
}

void on_undelivered_list(struct task *task, const struct msg_undelivered_list *message)
{
    struct pg_params params;

    BIND(&params, UNDELIVERED_LIST, .tenant = (int32_t)task_tenant(task), .after = message->after,
         .reason = message->reason, .channel = message->channel, .from = message->from,
         .to = message->to, .count = message->count ? (int32_t)message->count : PAGE_DEFAULT,
         .sort = message->sort, .order = message->order);
    task_answer_by(task, &params);
}

void on_message_timeline(struct task *task, const struct msg_message_timeline *message)
{
    struct pg_params params;

    BIND(&params, MESSAGE_TIMELINE, .tenant = (int32_t)task_tenant(task), .word = message->id);
    task_answer_by(task, &params);
}
