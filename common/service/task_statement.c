// task_statement: see the header.
#include "service/task_statement.h"

#include "service/service.h"

static void answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;

    // For a statement that wrote: the result is here, so its transaction is committed.
    if (err)
        task_fail(task, err);
    else
        task_reply(task, pg_rows(result) ? pg_get_text(result, 0, 0) : STR(""));
}

void task_answer_by(struct task *task, unsigned statement, struct pg_params *params)
{
    pg_call(service_pg(task->service), statement, params, answered, task);
}
