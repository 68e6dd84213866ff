// requests: nexus_request_total and nexus_errors_total of a pod without a gateway. What enters such a
// pod from outside are the requests that its workers get over the bus; those that failed by our own
// fault are its errors.
#pragma once

#include "base/metrics.h"

// Adds up nexus_tasks_total into the two.
void requests_are_tasks(struct metrics *totals);
