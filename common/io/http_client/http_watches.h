// http_watches: which of curl's descriptors the loop watches.
//
// The watch of a connection is only stopped between requests, because opening one costs five system
// calls. Every watch is closed before its descriptor. If it were closed later, a new descriptor
// might have the same number by then; libuv would remove that one from its poller, and it would
// never have an event again.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct http_watches {
    uv_loop_t *loop;
    struct http_watch **list; // by descriptor
    size_t count;
    void (*ready)(void *context, int descriptor, int status, int events);
    void *context;
};

// events: as for uv_poll_start(). 0: stop watching; the watch of a descriptor that is no connection
// is then closed.
int http_watches_want(struct http_watches *watches, int descriptor, int events);
void http_watches_connection_opened(struct http_watches *watches, int descriptor);
void http_watches_connection_closes(struct http_watches *watches, int descriptor);
void http_watches_release(struct http_watches *watches); // every connection is closed
