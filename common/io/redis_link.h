// redis_link: one attempt at a connection to Redis and what became of it: bytes out, bytes in. A
// link has memory of its own, so that what libuv still says about one that was closed meets nobody.
#pragma once

#include "base/str.h"

#include <uv.h>

struct redis_link;

// Where Redis is: path of a unix socket, or (path NULL) host and port. Outlives the link.
struct redis_address {
    const char *path, *host, *port;
};

struct redis_link_events {
    void (*connected)(void *context);
    void (*received)(void *context, struct str bytes); // valid inside the callback
    void (*lost)(void *context);                       // at most once; close it then
    void *context;
};

// No callback runs inside this call.
struct redis_link *redis_link_new(uv_loop_t *loop, const struct redis_address *address,
                                  const struct redis_link_events *events);
void redis_link_close(struct redis_link **link);                 // no callback runs any more
void redis_link_send(struct redis_link *link, struct str bytes); // copied; only once connected
