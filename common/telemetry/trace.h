// trace: the context of a distributed trace: which trace something belongs to, and which of its
// spans came before. It is read from three kinds of headers; the first kind that is present counts:
//
//   traceparent: 00-<32 hex>-<16 hex>-<2 hex>                     (W3C Trace Context)
//   b3: <16 or 32 hex>-<16 hex>[-0|1|d[-<16 hex>]]                (B3 in one header)
//   X-B3-TraceId, X-B3-SpanId, X-B3-Sampled, X-B3-Flags           (B3 in several)
//
// A trace id of 64 bits is read as one of 128 bits that begins with zeros. Malformed headers give
// no context; the caller then begins a new trace.
#pragma once

#include "base/random.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TRACE_ID_LENGTH = 32, // in hex digits
    TRACE_SPAN_LENGTH = 16,
    TRACE_PARENT_LENGTH = 55,
    TRACE_SAMPLED = 1, // the only flag: an earlier system may have recorded it
};

// All zero: none.
struct trace {
    uint64_t high, low; // the trace's id
    uint64_t span;      // the parent of the next span
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
// The same trace with a new span.
static inline struct trace trace_at(const struct trace *trace, uint64_t span)
{
    return (struct trace){trace->high, trace->low, span, trace->flags};
}

// On failure the trace is unchanged. Of later versions of traceparent the known fields are read;
// unknown flags are dropped.
MUST_USE bool trace_parse(struct str traceparent, struct trace *trace);
MUST_USE bool trace_parse_b3(struct str b3, struct trace *trace);
// sampled and flags may be absent.
MUST_USE bool trace_parse_b3_headers(struct str trace_id, struct str span_id, struct str sampled,
                                     struct str flags, struct trace *trace);

// Each writes into text, without a NUL, and returns it. As traceparent, version 00:
struct str trace_text(const struct trace *trace, char text[static TRACE_PARENT_LENGTH]);
struct str trace_id_text(const struct trace *trace, char text[static TRACE_ID_LENGTH]);
struct str trace_span_text(uint64_t span, char text[static TRACE_SPAN_LENGTH]);
