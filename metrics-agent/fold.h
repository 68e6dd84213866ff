// fold: many processes' snapshots, one set of totals; without I/O. The newest snapshot of each
// incarnation is kept. Totals of counters never go down:
//
//   alive                 counters and gauges count
//   silent for 15 s       counters count as last heard, gauges do not; likewise at once when it said
//                         that this was its last snapshot
//   replaced              likewise: a newer incarnation has its (role, slot)
//   silent and replaced   its counters move to the retired sum, and it is forgotten
//
// A process that was frozen and comes back is the same incarnation and counts on from where it was.
// What there is can be written down and read again, so that totals outlive the agent.
#pragma once

#include "base/err.h"
#include "base/metrics.h"

enum { FOLD_SILENT_MS = 15000, FOLD_PROCESSES_LIMIT = 256 };

struct fold;

struct fold *fold_new(void);
void fold_free(struct fold **fold);

// Takes one snapshot (wire/snapshot.h), copied. False: malformed, or too many processes are alive.
MUST_USE bool fold_take(struct fold *fold, struct str snapshot, int64_t now_ms, struct err *err);
// Merges everything into totals, which the caller made, and adds what only the fold knows: how many
// processes there are, how long each has been silent, how often one took another's place.
void fold_totals(struct fold *fold, int64_t now_ms, struct metrics *totals);
// The process of this place has ended in order, though it could not say so itself.
void fold_ended(struct fold *fold, struct str role, struct str slot);

// Everything there is, as snapshots: first the retired sum, under an empty role.
typedef void fold_record_fn(void *context, struct str snapshot);
void fold_records(const struct fold *fold, fold_record_fn *record, void *context);
// Takes one of these back, before any other snapshot. A process is taken for alive until it is
// silent.
MUST_USE bool fold_restore(struct fold *fold, struct str snapshot, int64_t now_ms, struct err *err);

// The processes that this agent has heard itself and not forgotten; of a (role, slot) the newest.
struct fold_process {
    struct str role, slot;
    int64_t silent_ms;
    bool has_ended;                    // in order, and said so
    bool needs_database, has_database; // what nexus_db_ready says; who has none needs none
};
typedef void fold_process_fn(void *context, const struct fold_process *process);
void fold_processes(const struct fold *fold, int64_t now_ms, fold_process_fn *each, void *context);
