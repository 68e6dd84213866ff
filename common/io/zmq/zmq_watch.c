// zmq_watch: see the header for why there are four handles.
#include "io/zmq/zmq_watch.h"

#include "base/panic.h"

#include <errno.h>

enum { MESSAGES_A_ROUND = 256 };

static int watch_events(const struct zmq_watch *watch)
{
    int events = 0;
    size_t size = sizeof events;

    // Not zsock_events(), which does not report that a signal interrupted it. It fails otherwise
    // only with ETERM, when the context is terminated before its sockets: a defect.
    while (zmq_getsockopt(watch->handle, ZMQ_EVENTS, &events, &size) != 0)
        if (zmq_errno() != EINTR)
            panic("ZMQ_EVENTS: %s", zmq_strerror(zmq_errno()));
    return events;
}

static void watch_woken(uv_poll_t *poll, int status, int events)
{
    struct zmq_watch *watch = poll->data;

    (void)status;
    (void)events;
    watch->due = true;
}

static void watch_stay_awake(uv_idle_t *idle)
{
    (void)idle;
}

static void watch_before_sleep(uv_prepare_t *prepare)
{
    struct zmq_watch *watch = prepare->data;
    int wanted = ZMQ_POLLIN | (watch->blocked ? ZMQ_POLLOUT : 0);

    watch->due = (watch_events(watch) & wanted) != 0;
    if (watch->due)
        uv_idle_start(&watch->idle, watch_stay_awake);
    else
        uv_idle_stop(&watch->idle);
}

static void watch_after_poll(uv_check_t *check)
{
    struct zmq_watch *watch = check->data;

    if (!watch->due)
        return;
    if (watch->blocked && (watch_events(watch) & ZMQ_POLLOUT)) {
        watch->blocked = false;
        watch->writable(watch->context);
    }
    for (int i = 0; i < MESSAGES_A_ROUND && !watch->closed; i++)
        if (!watch->receive(watch->context))
            break;
}

void zmq_watch_start(struct zmq_watch *watch, uv_loop_t *loop)
{
    watch->handle = zsock_resolve(watch->socket);
    uv_poll_init(loop, &watch->poll, zsock_fd(watch->socket));
    uv_prepare_init(loop, &watch->prepare);
    uv_idle_init(loop, &watch->idle);
    uv_check_init(loop, &watch->check);
    watch->poll.data = watch->prepare.data = watch->idle.data = watch->check.data = watch;
    watch->handles_open = 4;
    uv_poll_start(&watch->poll, UV_READABLE, watch_woken);
    uv_prepare_start(&watch->prepare, watch_before_sleep);
    uv_check_start(&watch->check, watch_after_poll);
}

void zmq_watch_sent(struct zmq_watch *watch, bool accepted)
{
    if (!accepted && watch->writable)
        watch->blocked = true;
    int wanted = ZMQ_POLLIN | (watch->blocked ? ZMQ_POLLOUT : 0);
    if (watch_events(watch) & wanted)
        uv_idle_start(&watch->idle, watch_stay_awake);
}

static void watch_handle_closed(uv_handle_t *handle)
{
    struct zmq_watch *watch = handle->data;

    if (--watch->handles_open == 0)
        watch->gone(watch->context);
}

void zmq_watch_close(struct zmq_watch *watch)
{
    watch->closed = true;
    uv_close((uv_handle_t *)&watch->poll, watch_handle_closed);
    uv_close((uv_handle_t *)&watch->prepare, watch_handle_closed);
    uv_close((uv_handle_t *)&watch->idle, watch_handle_closed);
    uv_close((uv_handle_t *)&watch->check, watch_handle_closed);
    // uv_close() has taken the descriptor out of the poller; libzmq may now close it.
    zsock_destroy(&watch->socket);
}
