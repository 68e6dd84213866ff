#include "telemetry/spans.h"

#include "base/clock.h"
#include "rows.h"

static const struct trace trace = {.high = 7, .low = 42, .span = 9};

static int64_t long_ago_us(void)
{
    return clock_monotonic_us() - 3600LL * 1000 * 1000;
}

static const struct ratio_row {
    const char *text;
    double want; // -1: refused
} ratio_rows[] = {
    {"0", 0},  {"1", 1},    {"1.0", 1},  {"0.01", 0.01}, {".5", 0.5}, {"0.", 0},
    {"", -1},  {"1.1", -1}, {"-1", -1},  {"1e-2", -1},   {" 1", -1},  {"0.1.1", -1},
    {"2", -1}, {"a", -1},   {"0,1", -1}, {"100", -1},
};

ROWS_TEST(spans, reads_a_share_from_0_to_1, ratio_rows)
{
    double ratio = -1;

    bool read = spans_ratio_parse(str_of(row->text), &ratio);

    cr_assert(eq(int, read, row->want >= 0), "%s", row->text);
    cr_assert(epsilon_eq(dbl, ratio, row->want, 1e-9), "%s", row->text);
}

Test(spans, keeps_the_configured_share_of_traces)
{
    struct spans *spans = spans_new(0.1);
    struct random random = {.state = 1};
    size_t kept = 0;

    for (int i = 0; i < 100000; i++) {
        struct trace one = trace_new(&random);
        kept += spans_has(spans, &one);
    }

    cr_assert(kept > 9500 && kept < 10500, "%zu of 100000", kept);
    spans_free(&spans);
}

Test(spans, decides_by_the_trace_id_alone_so_that_all_processes_agree)
{
    struct spans *here = spans_new(0.5), *there = spans_new(0.5);
    struct random random = {.state = 2};

    for (int i = 0; i < 1000; i++) {
        struct trace one = trace_new(&random);
        cr_assert(eq(int, spans_has(here, &one), spans_has(there, &one)));
    }
    spans_free(&here);
    spans_free(&there);
}

Test(spans, keeps_only_failed_and_slow_spans_of_other_traces)
{
    struct spans *spans = spans_new(0);

    cr_assert(zero(ptr, spans_add(spans, SPAN_BUS, &trace, false, clock_monotonic_us())));
    cr_assert(ne(ptr, spans_add(spans, SPAN_BUS, &trace, true, clock_monotonic_us()), NULL));
    cr_assert(ne(ptr, spans_add(spans, SPAN_BUS, &trace, false, long_ago_us()), NULL));

    cr_assert(eq(sz, spans_count(spans), 2));
    spans_free(&spans);
}

Test(spans, keeps_nothing_without_a_ring_or_a_trace)
{
    struct spans *spans = spans_new(1);
    const struct trace none = {0};

    cr_assert(not(spans_has(NULL, &trace)));
    cr_assert(zero(ptr, spans_add(NULL, SPAN_BUS, &trace, true, long_ago_us())));
    cr_assert(not(spans_has(spans, &none)));
    cr_assert(zero(ptr, spans_add(spans, SPAN_BUS, &none, true, long_ago_us())));
    spans_free(&spans);
}

Test(spans, drops_and_counts_spans_beyond_the_limit)
{
    struct spans *spans = spans_new(1);

    for (int i = 0; i < SPANS_LIMIT + 3; i++)
        (void)spans_add(spans, SPAN_BUS, &trace, false, clock_monotonic_us());
    cr_assert(eq(sz, spans_count(spans), SPANS_LIMIT));
    cr_assert(eq(u64, spans_dropped(spans), 3));
    spans_clear(spans);

    cr_assert(ne(ptr, spans_add(spans, SPAN_BUS, &trace, false, clock_monotonic_us()), NULL));
    cr_assert(eq(u64, spans_dropped(spans), 3));
    spans_free(&spans);
}

Test(spans, have_a_start_and_an_end_and_create_a_missing_id)
{
    struct spans *spans = spans_new(1);
    struct trace unnamed = trace_at(&trace, 0);

    struct span *span = spans_add(spans, SPAN_CLAIM, &unnamed, false, clock_monotonic_us() - 5000);

    cr_assert(ne(ptr, span, NULL));
    cr_assert(ne(u64, span->trace.span, 0));
    cr_assert(ge(i64, span->ended_us - span->started_us, 5000));
    cr_assert(le(i64, span->ended_us, clock_unix_us()));
    spans_free(&spans);
}

Test(spans, continue_as_a_child_and_later_as_a_link)
{
    struct span child = {0}, late = {0}, orphan = {0};
    struct trace nothing = trace_at(&trace, 0);

    span_follow(&child, &trace, false);
    span_follow(&late, &trace, true);
    span_follow(&orphan, &nothing, true);

    cr_assert(child.parent == 9 && trace_is_none(&child.link));
    cr_assert(late.parent == 0 && late.link.span == 9 && late.link.low == 42);
    cr_assert(orphan.parent == 0 && trace_is_none(&orphan.link));
}
