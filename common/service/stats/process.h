// process: once a second updates the metrics of the process itself (service/stats/process_stats.h)
// and the counters that libraries keep, and sends the snapshot of all metrics to metrics-agent.
// Feeds the watchdog, and writes the log once a round.
#pragma once

#include "base/err.h"
#include "service/service.h"

struct process;

struct process *process_new(struct service *service, struct err *err); // NULL on error
void process_free(struct process **process);                           // sends the last snapshot
