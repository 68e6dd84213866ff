// tasks: a task lives in its own arena and dies with it; a few arenas are kept warm.
#include "service/tasks/tasks.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "bus/worker/bus_worker.h"
#include "process/failpoint.h"
#include "service/state.h"
#include "service/tasks/task_trace.h"
#include "store/batcher.h"
#include "store/statements.h"
#include "telemetry/log.h"
#include "wire/json/codec_json.h"

#include <stdlib.h>

enum { ARENAS_KEPT = 256 };

struct tasks {
    struct service *service;
    const struct service_def *def;
    struct {
        const struct handler *handler;
        struct batcher *batcher; // of a hot one
    } by_message[MSG_COUNT];
    struct metric *ended[MSG_COUNT][ERR_COUNT], *accept_commit; // found when first needed
    struct arena *arenas[ARENAS_KEPT];
    size_t arena_count, task_count;
    char ack_lost[64]; // a failpoint
};

struct tasks *tasks_new(struct service *service, const struct service_def *def)
{
    struct tasks *tasks = heap_new(sizeof *tasks);
    tasks->service = service;
    tasks->def = def;
    snprintf(tasks->ack_lost, sizeof tasks->ack_lost, "%.40s.ack_lost", def->name);
    for (size_t i = 0; i < def->handler_count; i++) {
        const struct handler *handler = &def->handlers[i];
        tasks->by_message[handler->message].handler = handler;
        if (handler->batch)
            tasks->by_message[handler->message].batcher =
                batcher_new(&service->loop, service->pg, handler->batch, service, service->metrics);
    }
    return tasks;
}

void tasks_stop(struct tasks *tasks)
{
    for (size_t i = 0; i < MSG_COUNT; i++) {
        tasks->by_message[i].handler = NULL;
        batcher_free(&tasks->by_message[i].batcher);
    }
}

void tasks_free(struct tasks **tasks)
{
    if (!*tasks)
        return;
    if ((*tasks)->task_count > 0)
        LOG_WARN("service.tasks_left", LOG_INT("tasks", (*tasks)->task_count));
    for (size_t i = 0; i < (*tasks)->arena_count; i++)
        arena_free(&(*tasks)->arenas[i]);
    free(*tasks);
    *tasks = NULL;
}

size_t tasks_held(const struct tasks *tasks)
{
    return tasks->task_count;
}

// The frame of the request is freed before the task.
static void envelope_keep(struct envelope *envelope, struct arena *arena)
{
    struct str *texts[ENVELOPE_TEXTS];

    envelope_texts(envelope, texts);
    for (size_t i = 0; i < ENVELOPE_TEXTS; i++)
        *texts[i] = arena_copy(arena, *texts[i]);
}

// The scope of an Idempotency-Key. The callers of one contact center share a scope; each caller
// that acts for all has its own, so that none gets the answer of another. The separator is a line
// end, which no header and no name can contain.
static struct str idempotency_key(const struct principal *principal, struct str key,
                                  struct arena *arena)
{
    if (!str_present(key) || principal->tenant != 0)
        return key;
    return principal->key != 0
               ? arena_printf(arena, "key %u\n%.*s", principal->key, STR_ARG(key))
               : arena_printf(arena, "user %.*s\n%.*s", STR_ARG(principal->name), STR_ARG(key));
}

static struct task *task_new(struct tasks *tasks, struct bus_origin *origin,
                             const struct envelope *envelope, size_t payload_bytes)
{
    struct arena *arena =
        tasks->arena_count > 0 ? tasks->arenas[--tasks->arena_count] : arena_new();
    struct task *task = ARENA_ALLOC(arena, struct task);
    int64_t now_ms = (int64_t)uv_now(&tasks->service->loop);

    *task = (struct task){.service = tasks->service,
                          .arena = arena,
                          .envelope = *envelope,
                          .origin = origin,
                          .started_us = clock_monotonic_us()};
    envelope_keep(&task->envelope, arena);
    task_trace_begin(task);
    task->idempotency = (struct idempotency){
        .tenant = envelope->principal.tenant,
        .key = idempotency_key(&task->envelope.principal, task->envelope.idempotency_key, arena),
        .fingerprint = envelope->fingerprint};
    task->item.idempotency = task_has_key(task) ? &task->idempotency : NULL;
    task->item.key = envelope->partition;
    task->item.bytes = (uint32_t)payload_bytes;
    task->item.deadline_ms = now_ms + envelope->deadline_ms;
    tasks->task_count++;
    return task;
}

static void task_free(struct tasks *tasks, struct task *task)
{
    struct arena *arena = task->arena;

    task->origin = NULL; // a second ending is detected as long as the memory is not reused
    tasks->task_count--;
    if (tasks->arena_count == ARENAS_KEPT) {
        arena_free(&arena);
        return;
    }
    arena_reset(arena);
    tasks->arenas[tasks->arena_count++] = arena;
}

static void ended_count(struct tasks *tasks, enum message_id message, enum err_code code)
{
    struct metric **ended = &tasks->ended[message][code];

    if (!*ended)
        *ended = metrics_series(tasks->service->metrics, METRIC_TASKS,
                                message_type(message)->name.ptr, err_name(code).ptr);
    metric_add(*ended, 1);
    if (code == ERR_REPLAYED)
        metric_add(metrics_series(tasks->service->metrics, METRIC_DUPLICATES, "idempotency_key"),
                   1);
}

static void task_end(struct task *task, enum err_code code, struct str payload)
{
    struct tasks *tasks = task->service->tasks;
    struct bus_worker *bus = task->service->bus;

    ASSERT(task->origin);
    ended_count(tasks, task->envelope.message, code);
    task_trace_end(task, code);
    // A crash here is harmless: what was committed stays committed, and the gateway asks another
    // worker, which finds it done.
    if (failpoint(tasks->ack_lost) || (task_has_key(task) && failpoint("keyed.ack_lost")))
        bus_worker_forget(bus, task->origin);
    else
        bus_worker_reply(bus, task->origin, code, payload);
    task_free(tasks, task);
}

void tasks_committed(struct service *service, struct batch_item *const *items, size_t count)
{
    struct metric **stage = &service->tasks->accept_commit;
    int64_t now_us = clock_monotonic_us();

    if (!*stage)
        *stage = metrics_series(service->metrics, METRIC_STAGES, "accept_commit");
    for (size_t i = 0; i < count; i++) {
        const struct task *task = task_of_item(items[i]);
        metric_observe_traced(*stage, (double)(now_us - task->started_us) / 1e6, &task->trace);
    }
}

void task_reply(struct task *task, struct str json)
{
    task_end(task, ERR_OK, json);
}

static void stored_answer_read(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    AUTO(buf) answer = {0};
    struct err fault;

    if (err) {
        task_fail(task, err);
        return;
    }
    if (pg_rows(result) == 0) {
        // Its deadline passed between the claim and this check.
        err_set(&fault, ERR_CONCURRENT, "the stored answer has just been forgotten");
        task_fail(task, &fault);
        return;
    }
    struct str stored = GET(result, 0, IDEMPOTENCY_READ, answer);
    task->idempotency.secret = GET(result, 0, IDEMPOTENCY_READ, secret);
    if (!task->render)
        task_end(task, ERR_REPLAYED, json_squeeze(stored, task->arena));
    else if (task->render(task, stored, &answer, &fault))
        task_end(task, ERR_REPLAYED, buf_str(&answer));
    else
        task_fail(task, &fault);
}

static void task_replay(struct task *task)
{
    struct pg_params params;

    idempotency_read_bind(&params, &task->idempotency);
    pg_call(task->service->pg, &params, stored_answer_read, task);
}

void task_fail(struct task *task, const struct err *err)
{
    ASSERT(err->code != ERR_OK);
    if (err->code == ERR_REPLAYED) {
        task_replay(task);
        return;
    }
    if (err->code == ERR_INTERNAL)
        LOG_ERROR("task.failed", LOG_TRACE(&task->trace), LOG_TENANT(task_tenant(task)),
                  LOG_ID("operationId", task->envelope.operation),
                  LOG_STR("message", message_type(task->envelope.message)->name), LOG_ERR(err));
    else
        LOG_DEBUG("task.refused", LOG_TRACE(&task->trace), LOG_TENANT(task_tenant(task)),
                  LOG_ID("operationId", task->envelope.operation),
                  LOG_STR("message", message_type(task->envelope.message)->name),
                  LOG_STR("error", err_name(err->code)));
    task_end(task, err->code, str_of(err->text));
}

void task_item_failed(void *context, struct batch_item *item, const struct err *err)
{
    (void)context;
    task_fail(task_of_item(item), err);
}

static void refuse(struct tasks *tasks, struct bus_origin *origin, enum err_code code,
                   const char *why)
{
    bus_worker_reply(tasks->service->bus, origin, code, str_of(why));
}

void tasks_take(struct tasks *tasks, struct bus_origin *origin, const struct envelope *envelope,
                struct str payload)
{
    const struct handler *handler =
        envelope->message < MSG_COUNT ? tasks->by_message[envelope->message].handler : NULL;
    struct err err;
    void *message;

    if (!handler) {
        refuse(tasks, origin, ERR_BAD_INPUT, "this worker does not know the message");
        return;
    }
    if (tasks->service->pg && !pg_ready(tasks->service->pg)) {
        ended_count(tasks, envelope->message, ERR_UNAVAILABLE);
        refuse(tasks, origin, ERR_UNAVAILABLE, "the database does not answer");
        return;
    }
    struct task *task = task_new(tasks, origin, envelope, payload.len);
    // Copied: a decoded message points into it, and the frame it came in is gone after this.
    if (!message_decode(message_type(envelope->message), arena_copy(task->arena, payload),
                        task->arena, &message, &err)) {
        task_fail(task, &err);
        return;
    }
    task->decoded = message;
    if (!handler->batch)
        handler->take(task);
    else if (tasks->def->before_batch)
        tasks->def->before_batch(task);
    else
        task_batch(task);
}

void task_batch(struct task *task)
{
    struct batcher *batcher = task->service->tasks->by_message[task->envelope.message].batcher;
    struct err err;

    if (batcher) {
        batcher_add(batcher, &task->item);
    } else { // the service stopped while something had to be known first
        err_set(&err, ERR_UNAVAILABLE, "the worker is stopping");
        task_fail(task, &err);
    }
}
