// queues: what waits in a process, read from its metrics (nexus_queue_depth and
// nexus_queue_oldest_age_seconds, by queue), so that health and a scrape say the same. Workers tell
// their gateways with each heartbeat.
#pragma once

#include "base/metrics.h"
#include "bus/protocol.h"

// Adds the process's queues to the count that are there already, and returns how many there are
// then. Of one that is there the larger depth and age stay: several processes measure the same
// table. What is over the limit is left out.
size_t queues_add_own(const struct metrics *metrics, struct bus_queue *queues, size_t count,
                      size_t limit);
size_t queues_add(const struct bus_queue *queue, struct bus_queue *queues, size_t count,
                  size_t limit);
