// stop_fence: see the header.   committed -> checked -> no row is held: answered
//                                                    -> a row is held:     PERMIT_FENCE_MS -> answered
#include "sms-worker/inbound/stop_fence.h"

#include "base/heap.h"
#include "base/panic.h"
#include "service/service.h"
#include "service/tasks/task.h"
#include "sms-worker/delivery/permit.h"
#include "store/statements.h"

#include <stdlib.h>

struct stop_fence {
    struct service *service;
    uv_timer_t timer;
    size_t count;
    struct {
        struct task *task; // NULL: answered
        struct id id;
        struct str answer; // in the task's arena
    } stops[BATCH_ROWS_LIMIT];
};

static void looked(void *context, const struct pg_result *result, const struct err *err);

void stop_fence_add(struct stop_fence **handle, struct service *service, struct task *task,
                    struct id id, struct str answer)
{
    if (!*handle) {
        *handle = heap_new(sizeof **handle);
        (*handle)->service = service;
        uv_timer_init(service_loop(service), &(*handle)->timer);
    }
    struct stop_fence *fence = *handle;
    ASSERT(fence->count < BATCH_ROWS_LIMIT);
    fence->stops[fence->count].task = task;
    fence->stops[fence->count].id = id;
    fence->stops[fence->count++].answer = arena_copy(task->arena, answer);
}

void stop_fence_raise(struct stop_fence **handle)
{
    struct stop_fence *fence = *handle;
    struct row_STOP_FENCE rows[BATCH_ROWS_LIMIT];
    struct pg_params params;

    if (!fence)
        return;
    *handle = NULL;
    for (size_t i = 0; i < fence->count; i++)
        rows[i] = (struct row_STOP_FENCE){
            .tenants = (int32_t)task_tenant(fence->stops[i].task),
            .ids = fence->stops[i].id,
        };
    BIND_ROWS(&params, STOP_FENCE, rows, fence->count);
    pg_call(service_pg(fence->service), &params, looked, fence);
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

// It is stored, but it is unknown whether a request is about to be sent, so the answer is not 200.
// A repetition finds its row and is checked again.
static void fail_all(struct stop_fence *fence)
{
    struct err err;

    err_set(&err, ERR_UNKNOWN_OUTCOME, "could not find out whether a message is just being sent");
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
        if (GET(result, i, STOP_FENCE, stop_fence)) {
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
