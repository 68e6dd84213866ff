#include "base/buf.h"

#include "base/random.h"
#include "rows.h"

#include <math.h>

static struct str random_text(struct random *random, char *bytes, size_t limit)
{
    size_t length = random_below(random, limit);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)random_next(random);
    return str_make(bytes, length);
}

Test(buf, decodes_hex_and_base64_to_the_bytes_that_were_encoded)
{
    struct random random = {.state = 1};
    char bytes[200];
    AUTO(buf) hex = {0};
    AUTO(buf) base64 = {0};
    AUTO(buf) back = {0};

    for (int round = 0; round < 500; round++) {
        struct str text = random_text(&random, bytes, sizeof bytes);
        buf_clear(&hex);
        buf_clear(&base64);
        buf_hex(&hex, text);
        buf_base64(&base64, text);

        buf_clear(&back);
        cr_assert(buf_unhex(&back, buf_str(&hex)));
        cr_assert(str_equal(buf_str(&back), text));
        buf_clear(&back);
        cr_assert(buf_unbase64(&back, buf_str(&base64)));
        cr_assert(str_equal(buf_str(&back), text));
    }
}

static const struct decode_row {
    struct str text;
    bool good;
    struct str want;
} base64_rows[] =
    {
        {STR_INIT(""), true, STR_INIT("")},
        {STR_INIT("Zg=="), true, STR_INIT("f")},
        {STR_INIT("Zm8="), true, STR_INIT("fo")},
        {STR_INIT("Zm9vYmFy"), true, STR_INIT("foobar")},
        {STR_INIT("Zg"), true, STR_INIT("f")},
        {STR_INIT("Zm8"), true, STR_INIT("fo")},
        {STR_INIT("Z"), false, STR_INIT("")},
        {STR_INIT("="), false, STR_INIT("")},
        {STR_INIT("=="), false, STR_INIT("")},
        {STR_INIT("Zg="), false, STR_INIT("")},
        {STR_INIT("Zg==="), false, STR_INIT("")},
        {STR_INIT("Zh=="), false, STR_INIT("")}, // bits that no encoder leaves
        {STR_INIT("Zm 8="), false, STR_INIT("")},
        {STR_INIT("Zm9-"), false, STR_INIT("")},
        {STR_INIT("Z=g="), false, STR_INIT("")},
},
  percent_rows[] = {
      {STR_INIT("a+b%21"), true, STR_INIT("a b!")},
      {STR_INIT("%c3%A9"), true, STR_INIT("\xC3\xA9")},
      {STR_INIT("%00"), true, STR_INIT("\0")},
      {STR_INIT("%"), false, STR_INIT("")},
      {STR_INIT("%2"), false, STR_INIT("")},
      {STR_INIT("%2g"), false, STR_INIT("")},
      {STR_INIT("ab%4"), false, STR_INIT("")},
};

ROWS_TEST(buf, reads_base64_strictly, base64_rows)
{
    AUTO(buf) out = {0};
    buf_str_append(&out, STR("kept"));

    bool good = buf_unbase64(&out, row->text);

    cr_assert(eq(int, good, row->good), "%s", row->text.ptr);
    cr_assert(str_equal(str_skip(buf_str(&out), 4), row->want), "%s", row->text.ptr);
}

ROWS_TEST(buf, decodes_percent_escapes, percent_rows)
{
    AUTO(buf) out = {0};
    buf_str_append(&out, STR("kept"));

    bool good = buf_percent_decode(&out, row->text, true);

    cr_assert(eq(int, good, row->good), "%s", row->text.ptr);
    cr_assert(str_equal(str_skip(buf_str(&out), 4), row->want), "%s", row->text.ptr);
}

Test(buf, leaves_a_plus_alone_outside_forms)
{
    AUTO(buf) out = {0};

    cr_assert(buf_percent_decode(&out, STR("+1"), false));

    cr_assert(str_equal(buf_str(&out), STR("+1")));
}

Test(buf, refuses_hex_of_odd_length_or_with_other_characters)
{
    AUTO(buf) out = {0};

    cr_assert(not(buf_unhex(&out, STR("abc"))));
    cr_assert(not(buf_unhex(&out, STR("zz"))));
    cr_assert(not(buf_unhex(&out, STR("00 0"))));
    cr_assert(eq(sz, out.len, 0));
}

static const struct int_row {
    int64_t number;
    const char *want;
} int_rows[] = {
    {0, "0"},
    {7, "7"},
    {-1, "-1"},
    {INT64_MAX, "9223372036854775807"},
    {INT64_MIN, "-9223372036854775808"},
};

ROWS_TEST(buf, writes_decimal_numbers, int_rows)
{
    AUTO(buf) out = {0};

    buf_int(&out, row->number);

    cr_assert(eq(str, buf_c_string(&out), row->want));
}

Test(buf, writes_times_in_utc_with_milliseconds)
{
    AUTO(buf) out = {0};

    buf_time(&out, 1795442585123456);

    cr_assert(str_equal(buf_str(&out), STR("2026-11-23T14:03:05.123Z")), "%s", buf_c_string(&out));
}

Test(buf, drops_bytes_from_the_front)
{
    AUTO(buf) out = {0};
    buf_consume(&out, 0);
    buf_str_append(&out, STR("headtail"));

    buf_consume(&out, 4);

    cr_assert(str_equal(buf_str(&out), STR("tail")));
}

Test(json, writes_the_commas_between_values)
{
    AUTO(buf) out = {0};

    json_open(&out, '{');
    json_key_int(&out, "a", 1);
    json_key(&out, "b");
    json_open(&out, '[');
    json_bool(&out, true);
    json_str(&out, STR("x:"));
    json_nil(&out);
    json_open(&out, '{');
    json_close(&out, '}');
    json_close(&out, ']');
    json_key_raw(&out, "c", STR("[1,2]"));
    json_close(&out, '}');

    cr_assert(str_equal(buf_str(&out), STR("{\"a\":1,\"b\":[true,\"x:\",null,{}],\"c\":[1,2]}")),
              "%s", buf_c_string(&out));
}

static const struct escape_row {
    struct str text;
    const char *want;
} escape_rows[] = {
    {STR_INIT("plain"), "\"plain\""},
    {STR_INIT(""), "\"\""},
    {STR_INIT("a\"b\\c"), "\"a\\\"b\\\\c\""},
    {STR_INIT("\n\t\x01"), "\"\\n\\u0009\\u0001\""},
    {STR_INIT("\xC3\xA9</script>"), "\"\xC3\xA9</script>\""},
    {STR_INIT("a\xFFz"), "\"a\xEF\xBF\xBDz\""},
    {STR_INIT("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {STR_INIT("a\0b"), "\"a\xEF\xBF\xBD"
                       "b\""},
    {{NULL, 0}, "null"},
};

ROWS_TEST(json, escapes_text, escape_rows)
{
    AUTO(buf) out = {0};

    json_str(&out, row->text);

    cr_assert(eq(str, buf_c_string(&out), row->want));
}

static const struct double_row {
    double number;
    const char *want;
} double_rows[] = {
    {0.1, "0.1"},      {1.1, "1.1"},          {1.0 / 3.0, "0.3333333333333333"},
    {1e300, "1e+300"}, {-2.5, "-2.5"},        {-0.0, "0"},
    {100.0, "100"},    {(double)NAN, "null"}, {(double)INFINITY, "null"},
};

ROWS_TEST(json, writes_the_shortest_number_that_reads_back_the_same, double_rows)
{
    AUTO(buf) out = {0};

    json_double(&out, row->number);

    cr_assert(eq(str, buf_c_string(&out), row->want));
}
