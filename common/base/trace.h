// trace: the context of a distributed trace: which trace something belongs to, and which span of it
// it follows. Read from three kinds of headers, in the order in which they count:
//
//   traceparent: 00-<32 hex>-<16 hex>-<2 hex>                     (W3C Trace Context)
//   b3: <16 or 32 hex>-<16 hex>[-0|1|d[-<16 hex>]]                (B3 in one header)
//   X-B3-TraceId, X-B3-SpanId, X-B3-Sampled, X-B3-Flags           (B3 in several)
//
// A trace id of 64 bits is one of 128 that begins with zeros. What is malformed is no context: the
// caller then begins a trace of its own.
#pragma once

#include "random.h"
#include "str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TRACE_ID_LENGTH = 32, // in hex digits
    TRACE_SPAN_LENGTH = 16,
    TRACE_PARENT_LENGTH = 55,
    TRACE_SAMPLED = 1, // the one flag there is: somebody before us may have recorded it
};

// All zero: none.
struct trace {
    uint64_t high, low; // the trace's id
    uint64_t span;      // whose child is next
    uint8_t flags;
};

static inline bool trace_is_none(const struct trace *trace)
{
    return trace->high == 0 && trace->low == 0;
}

// A new trace, and its first span.
struct trace trace_new(struct random *random);
// An id for a span; never 0.
uint64_t trace_span_new(struct random *random);
// The same trace, one span on.
static inline struct trace trace_at(const struct trace *trace, uint64_t span)
{
    return (struct trace){trace->high, trace->low, span, trace->flags};
}

// On failure the trace is untouched. Versions of traceparent that are not known yet are read as far
// as they are known; flags that are not known are dropped.
MUST_USE bool trace_parse(struct str traceparent, struct trace *trace);
MUST_USE bool trace_parse_b3(struct str b3, struct trace *trace);
// sampled and flags may be absent.
MUST_USE bool trace_parse_b3_headers(struct str trace_id, struct str span_id, struct str sampled,
                                     struct str flags, struct trace *trace);

// Each writes into text, without a NUL, and returns it. As traceparent, version 00:
struct str trace_text(const struct trace *trace, char text[static TRACE_PARENT_LENGTH]);
struct str trace_id_text(const struct trace *trace, char text[static TRACE_ID_LENGTH]);
struct str trace_span_text(uint64_t span, char text[static TRACE_SPAN_LENGTH]);
