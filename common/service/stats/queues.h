// queues: the queues of a process, read from its metrics (nexus_queue_depth and
// nexus_queue_oldest_age_seconds, by queue), so that health and metrics agree. Workers report them
// to their gateways with each heartbeat.
#pragma once

#include "bus/protocol.h"
#include "telemetry/metrics.h"

// Adds the process's own queues to an array that has count queues, and returns the new count. For a
// queue that is already there the larger depth and age are kept, because several processes measure
// the same table. Queues beyond the limit are left out.
size_t queues_add_own(const struct metrics *metrics, struct bus_queue *queues, size_t count,
                      size_t limit);
size_t queues_add(const struct bus_queue *queue, struct bus_queue *queues, size_t count,
                  size_t limit);
