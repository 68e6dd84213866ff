#include "base/str.h"

#include "rows.h"

static const struct utf8_row {
    const char *name;
    struct str text;
    bool good;
    size_t fault;
} utf8_rows[] = {
    {"empty", STR_INIT(""), true, 0},
    {"ASCII", STR_INIT("plain text"), true, 0},
    {"two, three and four bytes", STR_INIT("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), true, 0},
    {"the last scalar", STR_INIT("\xF4\x8F\xBF\xBF"), true, 0},
    {"NUL", STR_INIT("a\0b"), false, 1},
    {"a lone continuation", STR_INIT("ab\x80"), false, 2},
    {"overlong slash", STR_INIT("\xC0\xAF"), false, 0},
    {"overlong in three bytes", STR_INIT("\xE0\x9F\xBF"), false, 0},
    {"overlong in four bytes", STR_INIT("\xF0\x8F\xBF\xBF"), false, 0},
    {"a surrogate", STR_INIT("x\xED\xA0\x80"), false, 1},
    {"past the last scalar", STR_INIT("\xF4\x90\x80\x80"), false, 0},
    {"a byte that never occurs", STR_INIT("ok\xFF"), false, 2},
    {"cut short", STR_INIT("a\xE2\x82"), false, 1},
    {"a broken continuation", STR_INIT("\xE2\x28\xA1"), false, 0},
};

ROWS_TEST(str, accepts_only_well_formed_utf8, utf8_rows)
{
    size_t fault = 0;

    bool good = str_is_utf8(row->text, &fault);

    cr_assert(eq(int, good, row->good), "%s", row->name);
    cr_assert(eq(sz, fault, row->fault), "%s", row->name);
}

static const struct number_row {
    const char *text;
    int64_t minimum, maximum;
    bool good;
    int64_t want;
} number_rows[] = {
    {"0", 0, 10, true, 0},
    {"10", 0, 10, true, 10},
    {"11", 0, 10, false, 0},
    {"-1", 0, 10, false, 0},
    {"-5", -5, 5, true, -5},
    {"007", 0, 10, true, 7},
    {"999999999999999999", 0, INT64_MAX, true, 999999999999999999},
    {"9999999999999999999", 0, INT64_MAX, false, 0},
    {"", 0, 10, false, 0},
    {"-", -5, 5, false, 0},
    {"+1", 0, 10, false, 0},
    {" 1", 0, 10, false, 0},
    {"1 ", 0, 10, false, 0},
    {"1.0", 0, 10, false, 0},
    {"0x1", 0, 10, false, 0},
};

ROWS_TEST(str, reads_whole_numbers_within_their_range, number_rows)
{
    int64_t value = 0;

    bool good = str_to_int(str_of(row->text), row->minimum, row->maximum, &value);

    cr_assert(eq(int, good, row->good), "\"%s\"", row->text);
    cr_assert(eq(i64, value, row->want), "\"%s\"", row->text);
}

static const struct unit_row {
    const char *text;
    bool good;
    int64_t want;
} duration_rows[] =
    {
        {"250ms", true, 250},  {"10s", true, 10000},    {"5m", true, 300000},
        {"2h", true, 7200000}, {"7d", true, 604800000}, {"0s", true, 0},
        {"10", false, 0},      {"", false, 0},          {"s", false, 0},
        {"-1s", false, 0},     {"1.5s", false, 0},      {"10 s", false, 0},
        {"10S", false, 0},     {"1w", false, 0},        {"9999999999d", false, 0},
},
  size_rows[] = {
      {"4096", true, 4096},
      {"64KiB", true, 65536},
      {"4MiB", true, 4194304},
      {"1GiB", true, 1 << 30},
      {"0", true, 0},
      {"", false, 0},
      {"KiB", false, 0},
      {"64kb", false, 0},
      {"64 KiB", false, 0},
      {"-1", false, 0},
      {"9999999999GiB", false, 0},
};

ROWS_TEST(str, reads_durations_only_with_their_unit, duration_rows)
{
    int64_t value = 0;

    bool good = str_to_duration_ms(str_of(row->text), &value);

    cr_assert(eq(int, good, row->good), "\"%s\"", row->text);
    cr_assert(eq(i64, value, row->want), "\"%s\"", row->text);
}

ROWS_TEST(str, reads_sizes, size_rows)
{
    int64_t value = 0;

    bool good = str_to_bytes(str_of(row->text), &value);

    cr_assert(eq(int, good, row->good), "\"%s\"", row->text);
    cr_assert(eq(i64, value, row->want), "\"%s\"", row->text);
}

Test(str, cuts_at_the_first_separator)
{
    struct str head, tail;

    cr_assert(str_cut(STR("a=b=c"), '=', &head, &tail));

    cr_assert(str_equal(head, STR("a")));
    cr_assert(str_equal(tail, STR("b=c")));
}

Test(str, cuts_in_place)
{
    struct str rest = STR("a,b"), head;

    str_cut(rest, ',', &head, &rest);
    str_cut(rest, ',', &head, &rest);

    cr_assert(str_equal(head, STR("b")));
    cr_assert(not(str_present(rest)));
}

Test(str, a_separator_at_the_end_leaves_an_empty_tail_that_is_present)
{
    struct str head, tail;

    cr_assert(str_cut(STR("a,"), ',', &head, &tail));

    cr_assert(str_present(tail));
    cr_assert(eq(sz, tail.len, 0));
}

Test(str, trims_blanks_on_both_sides)
{
    cr_assert(str_equal(str_trim(STR(" \t\r\n a b \n")), STR("a b")));
    cr_assert(eq(sz, str_trim(STR("   ")).len, 0));
    cr_assert(eq(sz, str_trim(STR_ABSENT).len, 0));
}

Test(str, absent_and_empty_are_equal_but_not_the_same)
{
    cr_assert(str_equal(STR_ABSENT, STR("")));
    cr_assert(not(str_present(STR_ABSENT)));
    cr_assert(str_present(STR("")));
    cr_assert(str_starts(STR_ABSENT, STR_ABSENT));
}

Test(str, ignores_only_the_case_of_ascii_letters)
{
    cr_assert(str_equal_ignoring_case(STR("Content-Type"), STR("content-TYPE")));
    cr_assert(not(str_equal_ignoring_case(STR("STOP"), STR("STOPP"))));
    cr_assert(not(str_equal_ignoring_case(STR("\xC3\x89"), STR("\xC3\xA9"))));
}

Test(str, counts_characters_not_bytes)
{
    cr_assert(eq(sz, str_utf8_length(STR("a\xC3\xA9\xF0\x9F\x98\x80")), 3));
}
