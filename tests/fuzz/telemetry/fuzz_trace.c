// The headers that name the trace of a request.
#include "tests/fuzz/fuzz.h"

#include "telemetry/trace.h"

static bool is_same(const struct trace *a, const struct trace *b)
{
    return a->high == b->high && a->low == b->low && a->span == b->span && a->flags == b->flags;
}

// A trace that was read can be written, and is read again as the same.
static void comes_back(const struct trace *trace)
{
    char text[TRACE_PARENT_LENGTH];
    struct trace again;

    ASSERT(!trace_is_none(trace) && trace->span != 0 && trace->flags <= TRACE_SAMPLED);
    ASSERT(trace_parse(trace_text(trace, text), &again) && is_same(trace, &again));
}

static struct str line_cut(struct str *bytes)
{
    struct str line;

    str_cut(*bytes, '\n', &line, bytes);
    return line;
}

FUZZ(bytes)
{
    const struct trace untouched = {1, 2, 3, 0};
    struct trace trace = untouched;
    struct str given[4], rest = bytes;

    if (trace_parse(bytes, &trace) || trace_parse_b3(bytes, &trace))
        comes_back(&trace);
    else
        ASSERT(is_same(&trace, &untouched));

    for (size_t i = 0; i < COUNT_OF(given); i++)
        given[i] = line_cut(&rest);
    if (trace_parse_b3_headers(given[0], given[1], given[2], given[3], &trace))
        comes_back(&trace);
}
