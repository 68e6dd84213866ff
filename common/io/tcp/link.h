// link: one connection attempt and, if it succeeds, the connection: bytes out, bytes in. A link has
// memory of its own, so that late callbacks of libuv for a closed link are ignored.
#pragma once

#include "base/str.h"

#include <uv.h>

struct link;

// Where the other side is: path of a unix socket, or (path NULL) host and port. Outlives the link.
struct link_address {
    const char *path, *host, *port;
};

struct link_events {
    void (*connected)(void *context);
    void (*received)(void *context, struct str bytes); // valid inside the callback
    void (*lost)(void *context);                       // at most once; close it then
    void *context;
};

// No callback runs inside this call.
struct link *link_new(uv_loop_t *loop, const struct link_address *address,
                      const struct link_events *events);
void link_close(struct link **link);                 // no callback runs any more
void link_send(struct link *link, struct str bytes); // copied; only once connected
