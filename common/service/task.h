// task: a message in work. It ends exactly once: task_reply() or task_fail(). A second ending
// panics.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/trace.h"
#include "store/batcher.h"
#include "wire/envelope.h"

struct service;
struct bus_origin;
struct task;

// Makes the answer of what was stored for it: the statement's first column, and what the task
// remembers of its secret (task->idempotency.secret). The same whenever it is made.
typedef bool task_render_fn(struct task *task, struct str stored, struct buf *answer,
                            struct err *err);

struct task {
    struct batch_item item; // for hot messages
    struct service *service;
    struct arena *arena; // everything of this task; freed with it
    struct envelope envelope;
    struct trace trace;  // where it belongs; none: its request said nothing
    uint64_t span;       // its transaction's
    const void *message; // struct msg_<name>, decoded and checked
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

// The traceparent that is stored with what it makes: what follows is its transaction's child.
struct str task_traceparent(struct task *task);

// Of a hot message: what had to be known before it is known (service.h, before_batch), it may wait in its batch.
void task_batch(struct task *task);

// Of a batch that is committed: how long each of its messages took since this worker got it.
void tasks_committed(struct service *service, struct batch_item *const *items, size_t count);

// json is the reply's "data" as JSON text, copied; empty for none. Only code that saw COMMIT
// answers a write. Where the request came with an Idempotency-Key, what was kept in its transaction
// is the reply.
void task_reply(struct task *task, struct str json);
// ERR_REPLAYED is no failure: the stored answer is looked up, and replied.
void task_fail(struct task *task, const struct err *err);
