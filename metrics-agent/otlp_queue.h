// otlp_queue: spans that wait for the collector, already as OTLP's JSON, and the request bodies
// made from them. Bounded: when it is full the oldest span is dropped.
#pragma once

#include "base/buf.h"
#include "wire/telemetry/span_frame.h"

// The attributes that all processes of this agent share.
struct otlp_source {
    struct str host, version;
};

struct otlp_queue;

struct otlp_queue *otlp_queue_new(size_t limit);
void otlp_queue_free(struct otlp_queue **queue);
void otlp_queue_put(struct otlp_queue *queue, const struct span_origin *origin,
                    const struct span *span);
size_t otlp_queue_count(const struct otlp_queue *queue);
uint64_t otlp_queue_dropped(const struct otlp_queue *queue);
// Takes out at most limit spans, the oldest first, and appends an ExportTraceServiceRequest with
// them; returns their number.
size_t otlp_queue_take(struct otlp_queue *queue, size_t limit, const struct otlp_source *source,
                       struct buf *out);

// One span; ids in hex, numbers of 64 bits in strings.
void otlp_span_write(const struct span *span, struct buf *out);
