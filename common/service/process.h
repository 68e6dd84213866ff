// process: what a process tells once a second: its numbers about itself (service/self.h), the
// counters that libraries keep; then the snapshot of all its metrics goes to metrics-agent. Feeds the watchdog, and the log leaves with each round.
#pragma once

#include "base/err.h"
#include "service/service.h"

struct process;

struct process *process_new(struct service *service, struct err *err); // NULL on error
void process_free(struct process **process);                           // sends the last snapshot
