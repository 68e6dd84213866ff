// fold: adds up the snapshots of many processes into one set of totals; without I/O. The newest
// snapshot of each incarnation is kept. Totals of counters never go down:
//
//   alive                 counters and gauges count
//   silent for 15 s       counters count with their last values, gauges do not count
//   ended                 the same, as soon as it says that a snapshot is its last one
//   replaced              the same: a newer incarnation has its (role, slot)
//   silent and replaced   its counters are added to the retired sum, and it is forgotten
//
// A process that was stopped and continues is the same incarnation and continues its counts. The
// fold can be saved and loaded, so that totals survive a restart of the agent.
#pragma once

#include "base/err.h"
#include "telemetry/metrics.h"

enum { FOLD_SILENT_MS = 15000, FOLD_PROCESSES_LIMIT = 256 };

struct fold;

struct fold *fold_new(void);
void fold_free(struct fold **fold);

// Takes one snapshot (wire/telemetry/snapshot.h), copied. False: malformed, or too many processes are alive.
MUST_USE bool fold_take(struct fold *fold, struct str snapshot, int64_t now_ms, struct err *err);
// Merges everything into totals, which the caller made, and adds the fold's own metrics: how many
// processes there are, how long each has been silent, how often one replaced another.
void fold_totals(struct fold *fold, int64_t now_ms, struct metrics *totals);
// The process of this place has ended normally, although it could not report that itself.
void fold_ended(struct fold *fold, struct str role, struct str slot);

// All contents as snapshots: first the retired sum, under an empty role.
typedef void fold_record_fn(void *context, struct str snapshot);
void fold_records(const struct fold *fold, fold_record_fn *record, void *context);
// Loads one of these, before any other snapshot. A process counts as alive until it has been silent
// too long.
MUST_USE bool fold_restore(struct fold *fold, struct str snapshot, int64_t now_ms, struct err *err);

// The processes that this agent has received from and not forgotten; for each (role, slot) the
// newest.
struct fold_process {
    struct str role, slot;
    int64_t silent_ms;
    bool has_ended; // normally, and said so
    bool needs_database,
        has_database; // the value of nexus_db_ready; a process without it needs no database
};
typedef void fold_process_fn(void *context, const struct fold_process *process);
void fold_processes(const struct fold *fold, int64_t now_ms, fold_process_fn *each, void *context);
