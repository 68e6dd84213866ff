// health: what probes and operators ask, from what workers say in their heartbeats. The gateway has
// no way to PostgreSQL of its own: it is there when a worker says so.
//
//   live     200 while the loop turns
//   startup  200 once this gateway has been ready
//   ready    200 while some write can be accepted and we do not drain. One that was just started
//            waits for a worker of each service, but no longer than HEALTH_SETTLE_MS
//   detail   red (503): no write can be accepted. yellow: some cannot, Redis is away, or we drain;
//            what does not need it goes on. green: the rest. It says why it is not green
//
// A service without workers does not make the gateway unready: its own requests are answered 503,
// and those of the others need a gateway.
#pragma once

#include "bus/bus_gateway.h"

#include <stdbool.h>
#include <stddef.h>

struct exchange;
struct gateway;
struct route;

void health_live(struct exchange *exchange);
void health_startup(struct exchange *exchange);
void health_ready(struct exchange *exchange);
void health_detail(struct exchange *exchange);
// live, startup or ready: answered also when there is room for nothing else.
bool health_is_probe(const struct route *route);
// Once a second, so that a gateway has started when nobody looks.
void health_tick(struct gateway *gateway);

// ---- the deciding part, without I/O

enum { HEALTH_SETTLE_MS = 10 * 1000, HEALTH_WORKERS_SHOWN = 256 };

// What a gateway remembers of its own past.
struct health {
    int64_t started_ms; // on the monotonic clock
    bool settled;       // has had workers of every service, or has waited for them long enough
    bool was_ready;     // at least once
};

struct health_view {
    bool can_write[SERVICE_COUNT]; // somebody of the service takes requests and reaches PostgreSQL
    bool database;                 // somebody reaches it, who may be about to leave
    bool cache, draining;
};

enum health_state { HEALTH_GREEN, HEALTH_YELLOW, HEALTH_RED };

struct health_view health_view_of(const struct bus_worker_view *workers, size_t count, bool cache,
                                  bool draining);
enum health_state health_state_of(const struct health_view *view);
// True while ready.
bool health_look(struct health *health, const struct health_view *view, int64_t now_ms);
// Why the state is not green: sentences, as many as there are reasons.
enum { HEALTH_REASONS_LIMIT = SERVICE_COUNT + 3 };
size_t health_reasons(const struct health_view *view, struct str reasons[HEALTH_REASONS_LIMIT]);
