// snapshot: a process's metrics on their way to metrics-agent, once a second. Cumulative, so a lost
// one is repaired by the next; by name, so that processes of different builds understand each other
// (what the reader does not know is skipped).
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "telemetry/metrics.h"

// Whose it is. A slot is the place of a process among those of its role and outlives it; the
// incarnation does not.
struct snapshot_head {
    struct str role, slot; // "sms-worker", "0"
    uint64_t incarnation;
    uint64_t started_ms; // Unix time; tells the newer of two incarnations
    bool is_last;        // it ends normally, and sends no more
};

enum { SNAPSHOT_LIMIT = 512 * 1024 };

// Appends to out.
void snapshot_encode(const struct snapshot_head *head, const struct metrics *metrics,
                     struct buf *out);

// Marks a snapshot that this build has encoded as the last one.
void snapshot_make_last(struct buf *snapshot);

// head and samples point into bytes. sample() runs once a series, and not at all when false is
// returned; NULL: only the head is wanted.
typedef void snapshot_sample_fn(void *context, const struct metric_sample *sample);
MUST_USE bool snapshot_decode(struct str bytes, struct snapshot_head *head,
                              snapshot_sample_fn *sample, void *context, struct err *err);
