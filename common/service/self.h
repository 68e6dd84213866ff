// self: a process's numbers about itself, as nexus_process_*, nexus_proc_*, nexus_nodejs_* and
// nexus_build_info (base/metrics.def).
#pragma once

#include "service/service.h"

struct self;

struct self *self_new(struct service *service, const char *role, const char *slot,
                      int64_t start_ms);
void self_free(struct self **self);

// Once a second, when the parts have told theirs. What is dear to ask is asked every 15 s.
void self_tell(struct self *self);
// A timer of the loop ran late by so much.
void self_late(struct self *self, int64_t late_us);
