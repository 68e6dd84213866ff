// task: a message in work. It ends exactly once: task_reply() or task_fail(). A second ending
// panics.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "store/batcher.h"
#include "telemetry/trace.h"
#include "wire/msgpack/envelope.h"

struct service;
struct bus_origin;
struct task;

// Makes the answer from what was stored: the statement's first column, and the sealed secret of the
// task (task->idempotency.secret). It must make the same answer each time.
typedef bool task_render_fn(struct task *task, struct str stored, struct buf *answer,
                            struct err *err);

struct task {
    struct batch_item item; // for hot messages
    struct service *service;
    struct arena *arena; // everything of this task; freed with it
    struct envelope envelope;
    struct trace trace;  // of the request; none: the request named none
    uint64_t span;       // of the task's transaction
    const void *decoded; // struct msg_<name>, checked; got by the worker's <name>_of()
    struct idempotency idempotency;
    task_render_fn *render; // NULL: what is stored is the answer
    struct id chosen_id;    // an id the handler makes once and keeps when its batch runs again
    // the skeleton's own:
    struct bus_origin *origin;
    int64_t started_us;
};

static inline uint32_t task_tenant(const struct task *task)
{
    return task->envelope.principal.tenant;
}
static inline bool task_has_key(const struct task *task)
{
    return str_present(task->idempotency.key);
}
static inline struct task *task_of_item(struct batch_item *item)
{
    return CONTAINER_OF(item, struct task, item);
}

// The traceparent that is stored with the task's result: later spans are children of its
// transaction's span.
struct str task_traceparent(struct task *task);

// For a hot message: everything that before_batch (service.h) needed is known, so it may wait in
// its batch.
void task_batch(struct task *task);

// For a committed batch: how long each of its messages took since this worker received it.
void tasks_committed(struct service *service, struct batch_item *const *items, size_t count);

// json is the reply's "data" as JSON text, copied; empty for none. Only code that saw COMMIT
// answers a write. For a request with an Idempotency-Key it must be the statement's first column,
// because the same transaction kept that (store/statements.def).
void task_reply(struct task *task, struct str json);
// ERR_REPLAYED is not a failure: the stored answer is read and sent.
void task_fail(struct task *task, const struct err *err);
// The same for an item of a batch: the failed() of every hot message's batch_def.
void task_item_failed(void *context, struct batch_item *item, const struct err *err);
