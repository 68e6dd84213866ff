// otlp_queue: spans on their way to the collector, as OTLP's JSON already: bounded, the oldest gives
// way; and the bodies that are made of them.
#pragma once

#include "base/buf.h"
#include "wire/span_frame.h"

// What is the same for all processes that this agent speaks for.
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
// Takes at most limit spans out, the oldest first, and appends an ExportTraceServiceRequest of them;
// returns how many they are.
size_t otlp_queue_take(struct otlp_queue *queue, size_t limit, const struct otlp_source *source,
                       struct buf *out);

// One span; ids in hex, numbers of 64 bits in strings.
void otlp_span_write(const struct span *span, struct buf *out);
