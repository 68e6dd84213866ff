// audit: who changed what (db/functions/audit.sql). What changes something writes its row itself, in its
// transaction; here it is only read.
#include "service/task_statement.h"
#include "store/statements.h"

void on_audit_list(struct task *task, const struct msg_audit_list *message);

void on_audit_list(struct task *task, const struct msg_audit_list *message)
{
    const struct str filters[] = {message->after, message->from,   message->to,
                                  message->actor, message->object, message->action};
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    for (size_t i = 0; i < COUNT_OF(filters); i++)
        pg_text(&params, filters[i]);
    pg_int4(&params, (int32_t)message->count);
    task_answer_by(task, STATEMENT_AUDIT_LIST, &params);
}
