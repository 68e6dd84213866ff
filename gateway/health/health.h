// health: answers probes and operators from the heartbeats of workers. The gateway has no
// connection to PostgreSQL: PostgreSQL is up when a worker reports it, and takes writes when
// workers report that theirs are committed (service/parts/writes.h). All reasons are collected
// here: those of the workers, of this process, and those that health_watch.h found.
//
//   live     200 while the loop turns
//   startup  200 once this gateway has been ready
//   ready    200 while some write can be accepted and we do not drain. One that was just started
//            waits for a worker of each service, but no longer than HEALTH_SETTLE_MS
//   detail   red (503): no write can be accepted, PostgreSQL has no room for some, or a service has
//            workers and none of them commits. yellow: a service has no workers, or another part
//            does not work; requests that do not need it continue. green: otherwise. The answer
//            says why it is not green
//
// A service without workers, or whose workers cannot write, does not make the gateway unready: its
// own requests are answered 503, and those of the others need a gateway.
#pragma once

#include "bus/gateway/bus_gateway.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct exchange;
struct gateway;
struct route;

void health_live(struct exchange *exchange);
void health_startup(struct exchange *exchange);
void health_ready(struct exchange *exchange);
void health_detail(struct exchange *exchange);
// Is NEXUS_HEALTH_DETAIL a known word?
MUST_USE bool health_detail_check(const struct gateway *gateway, struct err *err);
// live, startup or ready: also answered when all other requests are refused.
bool health_is_probe(const struct route *route);
// Called once a second, so that a gateway becomes started without a probe, and its metrics show the
// reasons.
void health_tick(struct gateway *gateway);
// As of now.
struct health_view health_view_now(struct gateway *gateway, struct bus_worker_view *workers,
                                   size_t limit, size_t *count);

// ---- the deciding part, without I/O

enum { HEALTH_SETTLE_MS = 10 * 1000, HEALTH_WORKERS_SHOWN = 256 };

// What a gateway remembers about its own past.
struct health {
    int64_t started_ms; // on the monotonic clock
    bool settled;       // has had workers of every service, or has waited for them long enough
    bool was_ready;     // at least once
};

enum health_cache { HEALTH_CACHE_READY, HEALTH_CACHE_REFUSES, HEALTH_CACHE_AWAY };

// What a gateway knows beside its workers.
struct health_facts {
    enum health_cache cache;
    bool draining;
    const struct health_reason *others; // this process' own, and what was found (health_watch.h)
    size_t other_count;
};

enum { HEALTH_VIEW_REASONS = 32 };

struct health_view {
    bool can_write[SERVICE_COUNT]; // a worker of the service takes requests and commits
    bool database;                 // a worker commits, even if it is draining
    bool refused;                  // PostgreSQL itself refuses some writes
    bool stuck;                    // a service has workers, and none of them commits
    bool draining;
    enum health_cache cache;
    struct health_reason reasons[HEALTH_VIEW_REASONS]; // why the state is not green
    size_t reason_count;
};

enum health_state { HEALTH_GREEN, HEALTH_YELLOW, HEALTH_RED };

struct health_view health_view_of(const struct bus_worker_view *workers, size_t count,
                                  const struct health_facts *facts);
enum health_state health_state_of(const struct health_view *view);
struct health *health_new(int64_t started_ms);
void health_free(struct health **health);
// True while ready.
bool health_look(struct health *health, const struct health_view *view, int64_t now_ms);
