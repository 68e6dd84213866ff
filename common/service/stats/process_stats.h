// process_stats: a process's numbers about itself, as nexus_process_*, nexus_proc_*, nexus_nodejs_*
// and nexus_build_info (telemetry/metrics.def).
#pragma once

#include "service/service.h"

struct process_stats;

struct process_stats *process_stats_new(struct service *service, const char *role, const char *slot,
                                        int64_t start_ms);
void process_stats_free(struct process_stats **stats);

// Called once a second, after the parts have set theirs. Expensive values are read every 15 s.
void process_stats_publish(struct process_stats *stats);
// Records by how much a timer of the loop ran late.
void process_stats_note_lateness(struct process_stats *stats, int64_t late_us);
