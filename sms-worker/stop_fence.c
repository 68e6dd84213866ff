// stop_fence: see the header.   committed -> looked -> nobody holds a row: answered
//                                                    -> somebody does:     PERMIT_FENCE_MS -> answered
#include "sms-worker/stop_fence.h"

#include "base/panic.h"
#include "service/service.h"
#include "service/task.h"
#include "sms-worker/permit.h"
#include "store/statements.h"

#include <stdlib.h>

enum { FENCE_LIMIT = 200 }; // the rows of a batch

struct stop_fence {
    struct service *service;
    uv_timer_t timer;
    size_t count;
    struct {
        struct task *task; // NULL: answered
        struct id id;
        struct str answer; // in the task's arena
    } stops[FENCE_LIMIT];
};

static void looked(void *context, const struct pg_result *result, const struct err *err);

void stop_fence_add(struct stop_fence **handle, struct service *service, struct task *task,
                    struct id id, struct str answer)
{
    if (!*handle) {
        *handle = calloc(1, sizeof **handle);
        if (!*handle)
            panic("out of memory: the fence of a STOP");
        (*handle)->service = service;
        uv_timer_init(service_loop(service), &(*handle)->timer);
    }
    struct stop_fence *fence = *handle;
    ASSERT(fence->count < FENCE_LIMIT);
    fence->stops[fence->count].task = task;
    fence->stops[fence->count].id = id;
    fence->stops[fence->count++].answer = arena_copy(task->arena, answer);
    // What stands under an Idempotency-Key is answered instead; it lies in the statement's result,
    // which goes before the fence does.
    if (str_present(task->idempotency.answer))
        task->idempotency.answer = arena_copy(task->arena, task->idempotency.answer);
}

void stop_fence_raise(struct stop_fence **handle)
{
    struct stop_fence *fence = *handle;
    struct pg_params params;

    if (!fence)
        return;
    *handle = NULL;
    pg_params_init(&params);
    pg_array(&params, PG_ELEMENT_INT4, fence->count);
    for (size_t i = 0; i < fence->count; i++)
        pg_add_int4(&params, (int32_t)task_tenant(fence->stops[i].task));
    pg_array(&params, PG_ELEMENT_UUID, fence->count);
    for (size_t i = 0; i < fence->count; i++)
        pg_add_id(&params, fence->stops[i].id);
    pg_call(service_pg(fence->service), STATEMENT_STOP_FENCE, &params, looked, fence);
}

static void closed(uv_handle_t *handle)
{
    free(CONTAINER_OF((uv_timer_t *)handle, struct stop_fence, timer));
}

static void answer_rest(struct stop_fence *fence)
{
    for (size_t i = 0; i < fence->count; i++)
        if (fence->stops[i].task)
            task_reply(fence->stops[i].task, fence->stops[i].answer);
    uv_close((uv_handle_t *)&fence->timer, closed);
}

static void permits_are_over(uv_timer_t *timer)
{
    answer_rest(CONTAINER_OF(timer, struct stop_fence, timer));
}

// Stored, but nobody knows who is about to send: not a 200. Repeated, it finds its row and is looked
// after again.
static void fail_all(struct stop_fence *fence)
{
    struct err err;

    err_set(&err, ERR_UNKNOWN_OUTCOME, "who is about to send could not be found out");
    for (size_t i = 0; i < fence->count; i++)
        task_fail(fence->stops[i].task, &err);
    uv_close((uv_handle_t *)&fence->timer, closed);
}

static void looked(void *context, const struct pg_result *result, const struct err *err)
{
    struct stop_fence *fence = context;
    bool is_held = false;

    if (err) {
        fail_all(fence);
        return;
    }
    for (size_t i = 0; i < fence->count; i++) {
        if (pg_get_bool(result, i, 0)) {
            is_held = true;
        } else {
            task_reply(fence->stops[i].task, fence->stops[i].answer);
            fence->stops[i].task = NULL;
        }
    }
    if (is_held)
        uv_timer_start(&fence->timer, permits_are_over, PERMIT_FENCE_MS, 0);
    else
        answer_rest(fence);
}
