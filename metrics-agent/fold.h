// fold: many processes' snapshots, one set of totals; without I/O. The newest snapshot of each
// incarnation is kept. Totals of counters never go down while the agent lives:
//
//   alive                 counters and gauges count
//   silent for 15 s       counters count as last heard, gauges do not
//   replaced              likewise: a newer incarnation has its (role, slot)
//   silent and replaced   its counters move to the retired sum, and it is forgotten
//
// A process that was frozen and comes back is the same incarnation and counts on from where it was.
#pragma once

#include "base/err.h"
#include "base/metrics.h"

enum { FOLD_SILENT_MS = 15000, FOLD_PROCESSES_LIMIT = 256 };

struct fold;

struct fold *fold_new(void);
void fold_free(struct fold **fold);

// Takes one snapshot (wire/snapshot.h), copied. False: malformed, or too many processes are alive.
MUST_USE bool fold_take(struct fold *fold, struct str snapshot, int64_t now_ms, struct err *err);
// Merges everything into totals, which the caller made.
void fold_totals(struct fold *fold, int64_t now_ms, struct metrics *totals);

// The processes that were heard and not forgotten; of a (role, slot) the newest.
struct fold_process {
    struct str role, slot;
    int64_t silent_ms;
    bool needs_database, has_database; // what nexus_db_ready says; who has none needs none
};
typedef void fold_process_fn(void *context, const struct fold_process *process);
void fold_processes(const struct fold *fold, int64_t now_ms, fold_process_fn *each, void *context);
