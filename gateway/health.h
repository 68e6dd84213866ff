// health: what probes and operators ask, from what workers say in their
// heartbeats.
//
//   live    200 while the loop turns
//   ready   200 while every service has a worker that reaches PostgreSQL, and we do not drain
//   detail  the documented shape. red (503): no worker reaches PostgreSQL. yellow: a service has no
//           such worker, or Redis is down; what does not need it goes on. green: the rest
#pragma once

#include "bus/bus_gateway.h"

#include <stdbool.h>
#include <stddef.h>

struct exchange;

void health_live(struct exchange *exchange);
void health_ready(struct exchange *exchange);
void health_detail(struct exchange *exchange);

// The deciding part, without I/O.
struct health_view {
    bool can_write[SERVICE_COUNT]; // somebody of the service takes requests and reaches PostgreSQL
    bool database, cache;
};
enum health_state { HEALTH_GREEN, HEALTH_YELLOW, HEALTH_RED };

struct health_view health_view_of(const struct bus_worker_view *workers, size_t count, bool cache);
enum health_state health_state_of(const struct health_view *view);
bool health_is_ready(const struct health_view *view);
