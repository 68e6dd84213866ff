// redis: the cache; the only file that knows hiredis. hiredis 0.14 speaks RESP for us over our own
// transport. No data is lost when Redis is lost: every call may fail, and the caller handles that.
//
// The connection is made again for ever (100 ms to 2 s apart) and asked PING once a second.
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "telemetry/metrics.h"

#include <stdbool.h>
#include <uv.h>

struct redis;

struct redis_options {
    struct str url;      // redis://host:port or unix:/path; empty: no Redis configured
    struct str user;     // of its access lists (ACL); empty: its default user
    struct str password; // empty: none
    int64_t command_ms;  // how long a command waits for its reply; 0: 20
    // After each change of redis_ready(); may be NULL. Does not run inside redis_close().
    void (*changed)(void *context, bool ready);
    void *context;
    // Of telemetry/metrics.def, as nexus_redis_*; NULL: nobody asks.
    struct metrics *metrics;
};

// An address that cannot be read is an error; a server that is not there is not.
struct redis *redis_new(uv_loop_t *loop, const struct redis_options *options, struct err *err);
void redis_close(struct redis **redis); // commands still out fail first
// Connected, authenticated and PING answered within 1 s. NULL is not.
bool redis_ready(const struct redis *redis);
// It answers but takes no writes: out of memory, a replica, a disk that it cannot save to.
bool redis_refuses_writes(const struct redis *redis);

size_t redis_in_flight(const struct redis *redis); // commands without an answer
// Sets the gauges. Call it once a second.
void redis_publish_metrics(const struct redis *redis);

// reply: the text of a string, status or integer reply; absent for nil. err: Redis is not ready or
// 1000 commands are out already (then done runs inside this call), the reply is an error or of
// another type, or there is no reply in time (command_ms). words are copied.
typedef void redis_done_fn(void *context, struct str reply, const struct err *err);
void redis_command(struct redis *redis, const struct str *words, size_t count, redis_done_fn *done,
                   void *context);
