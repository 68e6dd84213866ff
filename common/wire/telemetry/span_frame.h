// span_frame: a process's finished spans on their way to metrics-agent, over the same socket as its
// snapshots, at most once a second. By name, as snapshots are.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "telemetry/spans.h"

// Appends to out what spans holds.
void span_frame_encode(struct str role, struct str slot, const struct spans *spans,
                       struct buf *out);

bool span_frame_is(struct str bytes); // false: a snapshot

// role, slot and what the spans say point into bytes; ids among the attributes come as words.
// take() runs once a span, and not at all when false is returned.
struct span_origin {
    struct str role, slot; // as a snapshot has them
};
typedef void span_frame_take_fn(void *context, const struct span_origin *origin,
                                const struct span *span);
MUST_USE bool span_frame_decode(struct str bytes, span_frame_take_fn *take, void *context,
                                struct err *err);
