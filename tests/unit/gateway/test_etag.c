#include "gateway/etag.h"

#include "rows.h"

// etag_of() of db/functions/requests/precondition.sql makes the same; tests/e2e/provisioning/test_versions.py compares.
Test(etag, is_the_first_half_of_the_digest_in_quotes)
{
    char text[ETAG_TEXT];

    etag_of(STR("{}"), text);

    cr_assert(eq(str, text, "\"44136fa355b3678a1146ad16f7e8649e\""));
}

static const struct condition_row {
    const char *value;
    bool good;
} condition_rows[] = {
    {"*", true},
    {" * ", true},
    {"\"a\"", true},
    {"W/\"a\"", true},
    {"\"a\", \"b\"", true},
    {"\"a\",\"b\"", true},
    {"\"\"", true},
    {"", false},
    {"a", false},
    {"\"a", false},
    {"a\"", false},
    {"\"", false},
    {"\"a\" \"b\"", false},
    {"\"a\",,\"b\"", false},
    {"*, \"a\"", false},
    {"\"a b\"", false},
};

ROWS_TEST(etag, conditions_are_a_star_or_a_list_of_versions, condition_rows)
{
    struct err err = {0};

    bool good = condition_check("If-Match", str_of(row->value), &err);

    cr_assert(eq(int, good, row->good), "%s", row->value);
    if (!good)
        cr_assert(str_starts(str_of(err.text), STR("If-Match: ")), "%s", row->value);
}

Test(etag, a_condition_has_a_limit)
{
    char value[CONDITION_LIMIT + 2] = {0};
    struct err err;

    memset(value, 'a', sizeof value - 1);
    value[0] = value[CONDITION_LIMIT] = '"';
    cr_assert(not(condition_check("If-Match", str_of(value), &err)));
    value[CONDITION_LIMIT] = 0;
    value[CONDITION_LIMIT - 1] = '"';
    cr_assert(condition_check("If-Match", str_of(value), &err), "%s", err.text);
}
