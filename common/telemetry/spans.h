// spans: the finished spans of a process until they are sent to metrics-agent, in a ring that drops
// and counts.
//
//   struct span *span = spans_add(spans, SPAN_CLAIM, &trace, failed, started_us);
//   if (span)
//       span_int(span, "nexus.attempt", 3);
//
// All spans of sampled traces are kept; of the other traces those that failed or took long. Whether
// a trace is sampled follows from its id alone, as in OpenTelemetry's consistent sampling, so all
// processes agree; a caller's sampling flag is ignored. Without a ring (NULL) nothing is kept, and
// a call costs one comparison.
//
// A span contains numbers, ids and constant words, never text from a client: there is no call to
// add such a text.
#pragma once

#include "base/id.h"
#include "base/str.h"
#include "telemetry/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum span_name {
#define SPAN(id, name, kind, slow_ms) SPAN_##id,
#include "telemetry/spans.def"
    SPAN_COUNT
};

// As OpenTelemetry numbers them.
enum span_kind {
    SPAN_KIND_INTERNAL = 1,
    SPAN_KIND_SERVER,
    SPAN_KIND_CLIENT,
    SPAN_KIND_CONSUMER = 5
};

enum {
    SPANS_LIMIT = 1024, // in a second
    SPAN_ATTRIBUTES = 8,
    SPAN_LATE_US = 60 * 1000 * 1000 // a span so long after its predecessor is linked, not its child
};

struct span_attribute {
    struct str key;
    enum { SPAN_ATTRIBUTE_INT, SPAN_ATTRIBUTE_WORD, SPAN_ATTRIBUTE_ID } kind;
    int64_t number;
    struct str word;
    struct id id;
};

struct span {
    struct trace trace; // its span is this one's id
    uint64_t parent;    // in the same trace; 0: none
    struct trace link;  // another span that it follows; none: no such span
    struct str name;
    enum span_kind kind;
    bool failed;
    int64_t started_us, ended_us; // Unix time
    size_t attribute_count;
    struct span_attribute attributes[SPAN_ATTRIBUTES];
};

struct spans;

// ratio: the share of traces of which everything is kept, 0 to 1.
struct spans *spans_new(double ratio);
void spans_free(struct spans **spans);
MUST_USE bool spans_ratio_parse(struct str text, double *ratio); // "0.01"

// Are all spans of this trace kept? Then ids must be passed on.
bool spans_has(const struct spans *spans, const struct trace *trace);
// The place of a span that ends now and began at started_us (monotonic); NULL when it is not kept.
// trace->span is its id; 0: it gets one. Parent, link and attributes are the caller's to set.
struct span *spans_add(struct spans *spans, enum span_name name, const struct trace *trace,
                       bool failed, int64_t started_us);
// A span that starts more than SPAN_LATE_US after its predecessor is linked to it; otherwise it is
// its child.
void span_follow(struct span *span, const struct trace *predecessor, bool is_late);
void span_int(struct span *span, const char *key, int64_t number);
void span_id(struct span *span, const char *key, struct id id);
// word: of ours; lives as long as the program.
void span_word(struct span *span, const char *key, struct str word);

// The spans kept since the last spans_clear(), oldest first, and how many were dropped for lack of
// room.
size_t spans_count(const struct spans *spans);
const struct span *spans_at(const struct spans *spans, size_t index);
void spans_clear(struct spans *spans);
uint64_t spans_dropped(const struct spans *spans);
