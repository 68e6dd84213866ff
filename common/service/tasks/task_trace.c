// task_trace: see the header.
#include "service/tasks/task_trace.h"

#include "service/state.h"
#include "telemetry/spans.h"
#include "wire/message.h"

void task_trace_begin(struct task *task)
{
    if (trace_parse(task->envelope.traceparent, &task->trace))
        task->span = trace_span_new(&task->service->random);
}

struct str task_traceparent(struct task *task)
{
    struct trace next = trace_at(&task->trace, task->span);

    if (!spans_has(task->service->spans, &task->trace))
        return task->envelope.traceparent;
    return trace_text(&next, arena_alloc(task->arena, TRACE_PARENT_LENGTH));
}

void task_trace_end(const struct task *task, enum err_code code)
{
    struct trace trace = trace_at(&task->trace, task->span);
    struct span *span;

    if (task->item.sent_us == 0) // it was never sent
        return;
    span = spans_add(task->service->spans, SPAN_PG_COMMIT, &trace, err_http_status(code) >= 500,
                     task->item.sent_us);
    if (!span)
        return;
    span->parent = task->trace.span;
    span_word(span, "nexus.message", message_type(task->envelope.message)->name);
    span_word(span, "nexus.code", err_name(code));
    span_int(span, "nexus.tenant", task_tenant(task));
    span_int(span, "nexus.waited_us", task->item.sent_us - task->started_us);
    span_id(span, "nexus.operation_id", task->envelope.operation);
}
