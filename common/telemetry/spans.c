// spans: see the header. The ring is emptied as a whole once a second, so it is an array.
#include "telemetry/spans.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"

#include <stdlib.h>

// The last 56 bits of every trace id are random (W3C Trace Context, level 2).
static const uint64_t random_bits = (UINT64_C(1) << 56) - 1;

struct spans {
    uint64_t first_sampled; // traces whose random bits are less than this are not sampled
    bool samples;
    struct random random; // of ids
    size_t count;
    uint64_t dropped;
    struct span kept[SPANS_LIMIT];
};

static const struct {
    struct str name;
    enum span_kind kind;
    int64_t slow_us;
} rows[] = {
#define SPAN(id, name, kind, slow_ms) {STR_INIT(name), SPAN_KIND_##kind, (slow_ms)*INT64_C(1000)},
#include "telemetry/spans.def"
};

struct spans *spans_new(double ratio)
{
    struct spans *spans = heap_new(sizeof *spans); // untouched pages cost nothing
    spans->samples = ratio > 0;
    spans->first_sampled = (uint64_t)((1 - ratio) * (double)random_bits);
    random_bytes(&spans->random.state, sizeof spans->random.state);
    return spans;
}

void spans_free(struct spans **spans)
{
    free(*spans);
    *spans = NULL;
}

// Digits and at most one point: no sign, no exponent.
bool spans_ratio_parse(struct str text, double *ratio)
{
    double value = 0, place = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && place == 0)
            place = 1;
        else if (c < '0' || c > '9')
            return false;
        else if (place == 0)
            value = value * 10 + (c - '0');
        else
            value += (c - '0') * (place /= 10);
    }
    if (text.len == 0 || value > 1)
        return false;
    *ratio = value;
    return true;
}

bool spans_has(const struct spans *spans, const struct trace *trace)
{
    return spans && spans->samples && (trace->low & random_bits) >= spans->first_sampled &&
           !trace_is_none(trace);
}

struct span *spans_add(struct spans *spans, enum span_name name, const struct trace *trace,
                       bool failed, int64_t started_us)
{
    if (!spans || trace_is_none(trace))
        return NULL;
    int64_t duration_us = clock_monotonic_us() - started_us;
    if (!failed && duration_us < rows[name].slow_us && !spans_has(spans, trace))
        return NULL;
    if (spans->count == SPANS_LIMIT) {
        spans->dropped++;
        return NULL;
    }
    struct span *span = &spans->kept[spans->count++];
    *span = (struct span){.trace = *trace,
                          .name = rows[name].name,
                          .kind = rows[name].kind,
                          .failed = failed,
                          .ended_us = clock_unix_us()};
    span->started_us = span->ended_us - duration_us;
    if (span->trace.span == 0)
        span->trace.span = trace_span_new(&spans->random);
    return span;
}

void span_follow(struct span *span, const struct trace *predecessor, bool is_late)
{
    if (predecessor->span == 0)
        return;
    if (is_late)
        span->link = *predecessor;
    else
        span->parent = predecessor->span;
}

static struct span_attribute *attribute_new(struct span *span, const char *key)
{
    ASSERT(span->attribute_count < SPAN_ATTRIBUTES);
    struct span_attribute *attribute = &span->attributes[span->attribute_count++];
    attribute->key = str_of(key);
    return attribute;
}

void span_int(struct span *span, const char *key, int64_t number)
{
    struct span_attribute *attribute = attribute_new(span, key);
    attribute->kind = SPAN_ATTRIBUTE_INT;
    attribute->number = number;
}

void span_id(struct span *span, const char *key, struct id id)
{
    struct span_attribute *attribute = attribute_new(span, key);
    attribute->kind = SPAN_ATTRIBUTE_ID;
    attribute->id = id;
}

void span_word(struct span *span, const char *key, struct str word)
{
    struct span_attribute *attribute = attribute_new(span, key);
    attribute->kind = SPAN_ATTRIBUTE_WORD;
    attribute->word = word;
}

size_t spans_count(const struct spans *spans)
{
    return spans->count;
}

const struct span *spans_at(const struct spans *spans, size_t index)
{
    ASSERT(index < spans->count);
    return &spans->kept[index];
}

void spans_clear(struct spans *spans)
{
    spans->count = 0;
}

uint64_t spans_dropped(const struct spans *spans)
{
    return spans->dropped;
}
