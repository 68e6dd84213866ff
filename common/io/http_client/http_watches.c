// http_watches: see the header.
#include "io/http_client/http_watches.h"

#include "base/heap.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

struct http_watch {
    uv_poll_t poll;
    struct http_watches *watches;
    int descriptor;
    bool is_connection; // not a descriptor of curl's resolver
};

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct http_watch *watch = CONTAINER_OF(poll, struct http_watch, poll);

    watch->watches->ready(watch->watches->context, watch->descriptor, status, events);
}

static void make_room(struct http_watches *watches, size_t count)
{
    if (count <= watches->count)
        return;
    watches->list = heap_resize(watches->list, count * sizeof(struct http_watch *));
    memset(watches->list + watches->count, 0,
           (count - watches->count) * sizeof(struct http_watch *));
    watches->count = count;
}

static struct http_watch *watch_of(struct http_watches *watches, int descriptor)
{
    size_t index = (size_t)descriptor;

    if (index >= watches->count)
        make_room(watches, index + 64);
    if (!watches->list[index]) {
        struct http_watch *watch = heap_new(sizeof *watch);
        watch->watches = watches;
        watch->descriptor = descriptor;
        int status = uv_poll_init(watches->loop, &watch->poll, descriptor);
        if (status < 0)
            panic("uv_poll_init: %s", uv_strerror(status));
        watches->list[index] = watch;
    }
    return watches->list[index];
}

static void on_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct http_watch, poll));
}

static void watch_close(struct http_watch *watch)
{
    watch->watches->list[watch->descriptor] = NULL;
    uv_close((uv_handle_t *)&watch->poll, on_closed);
}

int http_watches_want(struct http_watches *watches, int descriptor, int events)
{
    struct http_watch *watch = watch_of(watches, descriptor);

    if (events != 0)
        return uv_poll_start(&watch->poll, events, on_ready);
    if (watch->is_connection)
        return uv_poll_stop(&watch->poll);
    watch_close(watch);
    return 0;
}

void http_watches_connection_opened(struct http_watches *watches, int descriptor)
{
    watch_of(watches, descriptor)->is_connection = true;
}

void http_watches_connection_closes(struct http_watches *watches, int descriptor)
{
    watch_close(watch_of(watches, descriptor));
}

void http_watches_release(struct http_watches *watches)
{
    free(watches->list);
    watches->list = NULL;
    watches->count = 0;
}
