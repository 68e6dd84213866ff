#include "telemetry/trace.h"

#include "rows.h"

#define ID   "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"
#define GOOD "00-" ID "-" SPAN "-01"

static struct str text_of(const struct trace *trace)
{
    static char text[TRACE_PARENT_LENGTH + 1];

    return trace_text(trace, text);
}

// want: the same as traceparent; NULL: it is refused.
static const struct trace_row {
    const char *given, *want;
} parent_rows[] =
    {
        {GOOD, GOOD},
        {"00-" ID "-" SPAN "-00", "00-" ID "-" SPAN "-00"},
        {"00-" ID "-" SPAN "-ff", GOOD}, // unknown flags are not passed on
        {"01-" ID "-" SPAN "-01", GOOD}, // nor are the fields of a later version
        {"01-" ID "-" SPAN "-01-more", GOOD},
        {"01-" ID "-" SPAN "-01more", NULL},
        {"ff-" ID "-" SPAN "-01", NULL},
        {GOOD "1", NULL},
        {GOOD "-more", NULL},
        {"00-0AF7651916cd43dd8448eb211c80319c-" SPAN "-01", NULL},
        {"00-00000000000000000000000000000000-" SPAN "-01", NULL},
        {"00-" ID "-0000000000000000-01", NULL},
        {"00-" ID "-" SPAN "-0g", NULL},
        {"00_" ID "-" SPAN "-01", NULL},
        {"00-" ID "_" SPAN "-01", NULL},
        {"00-" ID "-" SPAN "_01", NULL},
        {"", NULL},
},
  b3_rows[] = {
      {ID "-" SPAN "-1", GOOD},
      {ID "-" SPAN "-d", GOOD}, // debug is sampled too
      {ID "-" SPAN "-0", "00-" ID "-" SPAN "-00"},
      {ID "-" SPAN, "00-" ID "-" SPAN "-00"}, // Nexus decides
      {ID "-" SPAN "-1-05e3ac9a4f6e3b90", GOOD},
      {"8448eb211c80319c-" SPAN "-1", "00-00000000000000008448eb211c80319c-" SPAN "-01"},
      {"0", NULL},
      {ID, NULL},
      {ID "-" SPAN "-2", NULL},
      {ID "-" SPAN "-1-05e3ac9a4f6e3b9", NULL},
      {ID "-" SPAN "-1-05e3ac9a4f6e3b90-1", NULL},
      {"af7651916cd43dd8448eb211c80319c-" SPAN "-1", NULL},
      {"00000000000000000000000000000000-" SPAN "-1", NULL},
      {ID "-0000000000000000-1", NULL},
      {"", NULL},
};

static void check(const struct trace_row *row, bool read, const struct trace *trace)
{
    cr_assert(eq(int, read, row->want != NULL), "%s", row->given);
    if (read)
        cr_assert(str_equal(text_of(trace), str_of(row->want)), "%s became %.*s", row->given,
                  STR_ARG(text_of(trace)));
    else
        cr_assert(trace_is_none(trace), "%s changed the output", row->given);
}

ROWS_TEST(trace, reads_traceparent_only_where_it_is_well_formed, parent_rows)
{
    struct trace trace = {0};

    check(row, trace_parse(str_of(row->given), &trace), &trace);
}

ROWS_TEST(trace, reads_b3_in_one_header, b3_rows)
{
    struct trace trace = {0};

    check(row, trace_parse_b3(str_of(row->given), &trace), &trace);
}

static const struct headers_row {
    const char *id, *span, *sampled, *flags, *want;
} headers_rows[] = {
    {ID, SPAN, "1", NULL, GOOD},
    {ID, SPAN, "true", NULL, GOOD},
    {ID, SPAN, NULL, "1", GOOD},
    {ID, SPAN, "0", NULL, "00-" ID "-" SPAN "-00"},
    {ID, SPAN, NULL, NULL, "00-" ID "-" SPAN "-00"},
    {"8448eb211c80319c", SPAN, "1", NULL, "00-00000000000000008448eb211c80319c-" SPAN "-01"},
    {ID, NULL, "1", NULL, NULL},
    {NULL, SPAN, "1", NULL, NULL},
    {"8448eb211c80319", SPAN, "1", NULL, NULL},
    {ID, "b7ad6b71", "1", NULL, NULL},
    {"", "", "", "", NULL},
};

ROWS_TEST(trace, reads_b3_in_several_headers, headers_rows)
{
    struct trace trace = {0};

    bool read = trace_parse_b3_headers(str_of(row->id), str_of(row->span), str_of(row->sampled),
                                       str_of(row->flags), &trace);

    check(&(struct trace_row){row->id ? row->id : "none", row->want}, read, &trace);
}

Test(trace, keeps_its_value_when_a_header_is_unreadable)
{
    struct trace trace = {1, 2, 3, 0};

    cr_assert(not(trace_parse(STR(GOOD "-"), &trace)));
    cr_assert(not(trace_parse_b3(STR(ID "-" SPAN "-x"), &trace)));
    cr_assert(not(trace_parse(STR_ABSENT, &trace)));
    cr_assert(not(trace_parse_b3(STR_ABSENT, &trace)));

    cr_assert(trace.high == 1 && trace.low == 2 && trace.span == 3);
}

Test(trace, begins_traces_that_differ_and_can_be_read)
{
    struct random random = {.state = 7};
    struct trace one = trace_new(&random), other = trace_new(&random), again;

    cr_assert(ne(u64, one.low, other.low));
    cr_assert(ne(u64, one.span, other.span));
    cr_assert(trace_parse(text_of(&one), &again));
    cr_assert(eq(u64, again.low, one.low));
}

Test(trace, continues_the_same_trace_with_another_span)
{
    struct trace trace = {1, 2, 3, TRACE_SAMPLED}, next = trace_at(&trace, 4);
    char span[TRACE_SPAN_LENGTH];

    cr_assert(
        str_equal(text_of(&next), STR("00-00000000000000010000000000000002-0000000000000004-01")));
    cr_assert(str_equal(trace_span_text(next.span, span), STR("0000000000000004")));
}
