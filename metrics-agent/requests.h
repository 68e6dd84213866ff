// requests: nexus_request_total and nexus_errors_total of a pod without a gateway. The requests of
// such a pod are those that its workers get over the bus; its errors are those that failed through
// our own fault.
#pragma once

#include "telemetry/metrics.h"

// Adds nexus_tasks_total to both.
void requests_are_tasks(struct metrics *totals);
