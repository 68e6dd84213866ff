// audit: who changed what (db/functions/administration/audit.sql). Each change writes its row
// itself, in its transaction; this file only reads.
#include "provisioning-worker/handlers.h"
#include "service/tasks/task_statement.h"
#include "store/statements.h"

void on_audit_list(struct task *task, const struct msg_audit_list *message)
{
    struct pg_params params;

    BIND(&params, AUDIT_LIST, .tenant = (int32_t)task_tenant(task), .after = message->after,
         .from = message->from, .to = message->to, .actor = message->actor,
         .object = message->object, .action = message->action, .count = (int32_t)message->count);
    task_answer_by(task, &params);
}
