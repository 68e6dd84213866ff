#include "gateway/trace.h"

#include "rows.h"

#define GOOD "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static const struct trace_row {
    const char *given;
    bool kept;
} trace_rows[] = {
    {GOOD, true},
    {"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
    {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
    {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false},
    {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
    {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", false},
    {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011", false},
    {"", false},
};

ROWS_TEST(trace, keeps_the_callers_context_only_where_it_is_well_formed, trace_rows)
{
    struct arena *arena = arena_new();
    struct random random = {.state = 1};

    struct str parent = trace_parent(str_of(row->given), &random, arena);

    cr_assert(eq(sz, parent.len, sizeof GOOD - 1));
    cr_assert(eq(int, str_equal(parent, str_of(row->given)), row->kept));
    // What it makes, it would keep.
    cr_assert(str_equal(trace_parent(parent, &random, arena), parent));
    arena_free(&arena);
}
