// task_statement: see the header.
#include "service/tasks/task_statement.h"

#include "base/clock.h"
#include "service/service.h"
#include "store/statements.h"
#include "wire/json/codec_json.h"

void task_reply_json(struct task *task, struct str json)
{
    task_reply(task, json_squeeze(json, task->arena));
}

static void answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;

    // For a statement that wrote: the result is here, so its transaction is committed.
    if (err)
        task_fail(task, err);
    else
        task_reply_json(task, pg_rows(result) ? pg_get_text(result, 0, 0) : STR(""));
}

void task_answer_by(struct task *task, struct pg_params *params)
{
    task_call(task, params, answered);
}

static void rendered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    AUTO(buf) answer = {0};
    struct err fault;

    if (err)
        task_fail(task, err);
    else if (task->render(task, pg_get_text(result, 0, 0), &answer, &fault))
        task_reply(task, buf_str(&answer));
    else
        task_fail(task, &fault);
}

void task_render_by(struct task *task, struct pg_params *params, task_render_fn *render)
{
    task->render = render;
    task_call(task, params, rendered);
}

void task_call(struct task *task, struct pg_params *params, pg_done_fn *done)
{
    const struct idempotency *request = &task->idempotency;
    struct pg_params who, scope, claim, conditions;
    struct pg_step steps[PG_STEPS_LIMIT];
    unsigned statement = (unsigned)params->statement;
    size_t count = 0;

    // Names the caller of an administrative change, for audit_write(). It comes first, because it
    // looks up keys that belong to no tenant.
    if (str_present(task->envelope.credential)) {
        BIND(&who, AUDIT_CONTEXT, .key = (int32_t)task->envelope.principal.key,
             .name = task->envelope.principal.name, .credential = task->envelope.credential,
             .address = task->envelope.address);
        steps[count++] = (struct pg_step){STATEMENT_AUDIT_CONTEXT, &who};
    }
    // A caller that acts for one tenant sees only its rows, even if the statement lacks the
    // condition. A caller that acts for all must see all.
    if (task_tenant(task) != 0) {
        BIND(&scope, TENANT_SCOPE, .tenant = (int32_t)task_tenant(task));
        steps[count++] = (struct pg_step){STATEMENT_TENANT_SCOPE, &scope};
    }
    if (str_present(task->envelope.if_match) || str_present(task->envelope.if_none_match)) {
        BIND(&conditions, PRECONDITION_SET, .match = task->envelope.if_match,
             .none_match = task->envelope.if_none_match);
        steps[count++] = (struct pg_step){STATEMENT_PRECONDITION_SET, &conditions};
    }
    if (task_has_key(task)) {
        idempotency_claim_bind(&claim, &request, 1);
        steps[count++] = (struct pg_step){STATEMENT_IDEMPOTENCY_CLAIM, &claim};
        statement = statement_keeping(statement);
    }
    steps[count++] = (struct pg_step){statement, params};
    task->item.sent_us = clock_monotonic_us();
    pg_call_steps(service_pg(task->service), steps, count, done, task);
}
