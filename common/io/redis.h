// redis: the cache; the only file that knows hiredis. hiredis 0.14 speaks RESP for us over our own
// transport. Losing Redis loses nothing: every call may fail and the caller has an answer for that.
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <uv.h>

struct redis;

struct redis_options {
    struct str url;      // redis://host:port or unix:/path; empty: no Redis configured
    struct str password; // empty: none
    void (*changed)(void *context, bool ready);
    void *context;
};

struct redis *redis_new(uv_loop_t *loop, const struct redis_options *options);
void redis_close(struct redis **redis);
bool redis_ready(
    const struct redis *redis); // connected, authenticated and PING answered within 1 s

// reply: the text of a string, status or integer reply; absent for nil. err when not ready, on an
// error reply, or after 50 ms. At most 1000 commands out.
typedef void redis_done_fn(void *context, struct str reply, const struct err *err);
void redis_command(struct redis *redis, const struct str *words, size_t count, redis_done_fn *done,
                   void *context);
