#include "wire/json/codec_json.h"

#include "rows.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new();
}

static void tear_down(void)
{
    arena_free(&arena);
}

TestSuite(json_view, .init = set_up, .fini = tear_down);

static const struct json_view *parse(const char *text)
{
    const struct json_view *view = NULL;
    struct err err = {0};

    cr_assert(json_parse(str_of(text), arena, &view, &err), "%s", err.text);
    return view;
}

Test(json_view, gives_members_elements_and_values)
{
    const struct json_view *view =
        parse("{\"text\":\"\\u00e9\",\"list\":[1,-2,{\"deep\":true}],\"none\":null}");
    const struct json_view *list = json_member(view, "list");
    int64_t number = 0;

    cr_assert(str_equal(json_text(json_member(view, "text")), STR("\xC3\xA9")));
    cr_assert(json_number(json_element(list, 1), &number));
    cr_assert(eq(i64, number, -2));
    cr_assert(json_is_true(json_member(json_element(list, 2), "deep")));
    cr_assert(eq(ptr, (void *)json_element(list, 3), NULL));
    cr_assert(eq(ptr, (void *)json_member(view, "other"), NULL));
}

Test(json_view, a_missing_member_or_one_of_another_type_is_absent)
{
    const struct json_view *view = parse("{\"number\":1.5,\"text\":\"1\"}");
    int64_t number;

    cr_assert(not(str_present(json_text(json_member(view, "number")))));
    cr_assert(not(json_number(json_member(view, "number"), &number)));
    cr_assert(not(json_number(json_member(view, "text"), &number)));
    cr_assert(not(json_number(NULL, &number)));
    cr_assert(not(str_present(json_text(NULL))));
    cr_assert(not(json_is_true(NULL)));
    cr_assert(eq(ptr, (void *)json_member(NULL, "x"), NULL));
    cr_assert(eq(ptr, (void *)json_element(view, 0), NULL));
}

Test(json_view, visits_members_in_their_order)
{
    const struct json_view *view = parse("{\"z\":1,\"a\":2,\"m\":3}"), *value;
    AUTO(buf) names = {0};
    struct str name;
    size_t cursor = 0;

    while (json_object_next(view, &cursor, &name, &value))
        buf_str_append(&names, name);

    cr_assert(str_equal(buf_str(&names), STR("zam")));
}

static const struct compact_row {
    const char *text, *want;
} compact_rows[] = {
    {"{ }", "{}"},
    {"[ 1 , 2.50, -0.1, 1e3 ]", "[1,2.5,-0.1,1000]"},
    {"\"\\u0041\\n\\\"\"", "\"A\\n\\\"\""},
    {" {\"b\" : [ ], \"a\" : {\"c\":null} , \"t\":true,\"f\":false}",
     "{\"b\":[],\"a\":{\"c\":null},\"t\":true,\"f\":false}"},
    {"9223372036854775807", "9223372036854775807"},
    {"\"\\ud83d\\ude00\"", "\"\xF0\x9F\x98\x80\""},
};

ROWS_TEST(json_view, compacts_to_the_same_value, compact_rows)
{
    struct str text = json_compact(parse(row->text), arena);

    cr_assert(str_equal(text, str_of(row->want)), "%s", text.ptr);
}

static const struct fault_row {
    const char *name;
    struct str text;
    const char *want;
} fault_rows[] = {
    {"nothing", STR_INIT(""), "JSON: premature end at line 1, column 1, byte 0"},
    {"an unknown word", STR_INIT("{\"a\":1,\n \"b\": nope}"),
     "JSON: neither a value nor a text in quotes at line 2, column 11, byte 18"},
    {"a second member of the same name", STR_INIT("{\"a\":1,\n \"a\":2}"),
     "JSON: a second member of that name at line 2, column 5, byte 12"},
    {"cut off in text", STR_INIT("{\"a\":\"b"), "JSON: premature end at line 1, column 8, byte 7"},
    {"cut off after a backslash", STR_INIT("\"\\"), "JSON: premature end at"},
    {"cut off after a comma", STR_INIT("[1,"), "JSON: premature end at"},
    {"something after the value", STR_INIT("{} x"),
     "JSON: something follows the value at line 1, column 5, byte 4"},
    {"a lone surrogate", STR_INIT("\"\\ud800\""), "JSON: an escape that means no character at"},
    {"surrogates in the wrong order", STR_INIT("\"\\ude00\\ud83d\""),
     "JSON: an escape that means no character at"},
    {"half an escape", STR_INIT("\"\\u12\""), "JSON: an escape that means no character at"},
    {"an unknown escape", STR_INIT("\"\\x\""), "JSON: an escape that means no character at"},
    {"an escaped NUL", STR_INIT("\"a\\u0000\""), "JSON: an escape that means no character at"},
    {"a NUL", STR_INIT("\"a\0\""), "JSON: not UTF-8 at line 1, column 3, byte 2"},
    {"a newline in text", STR_INIT("\"a\nb\""), "JSON: a control character in a text at"},
    {"broken UTF-8", STR_INIT("\"ab\xFF\""), "JSON: not UTF-8 at line 1, column 4, byte 3"},
    {"overlong UTF-8", STR_INIT("\"\xC0\xAF\""), "JSON: not UTF-8 at"},
    {"a surrogate in UTF-8", STR_INIT("\"\xED\xA0\x80\""), "JSON: not UTF-8 at"},
    {"a comma too many", STR_INIT("[1,]"), "JSON: a value is missing at line 1, column 5, byte 4"},
    {"a comma too few", STR_INIT("[1 2]"), "JSON: a comma or the closing bracket is missing at"},
    {"single quotes", STR_INIT("{'a':1}"), "JSON: a member's name in quotes is missing at"},
    {"no colon", STR_INIT("{\"a\" 1}"), "JSON: a colon is missing at"},
    {"a number past 64 bits", STR_INIT("92233720368547758080"), "JSON: a number past 64 bits at"},
    {"a number past a double", STR_INIT("1e999"), "JSON: a number that is too large at"},
    {"a leading zero", STR_INIT("[01]"), "JSON: "},
    {"a point without a digit", STR_INIT("[1.]"), "JSON: "},
    {"an exponent without a digit", STR_INIT("[1e+]"), "JSON: "},
    {"not a number", STR_INIT("NaN"), "JSON: neither a value nor a text in quotes at"},
};

ROWS_TEST(json_view, an_error_gives_its_position_and_no_part_of_the_input, fault_rows)
{
    const struct json_view *view;
    struct err err = {0};

    cr_assert(not(json_parse(row->text, arena, &view, &err)), "%s", row->name);

    cr_assert(eq(int, err.code, ERR_BAD_INPUT));
    cr_assert(str_starts(str_of(err.text), str_of(row->want)), "%s: %s", row->name, err.text);
    const char *place = strstr(err.text, " at line ");
    int length = 0;
    cr_assert(ne(ptr, (void *)place, NULL), "%s", err.text);
    (void)sscanf(place, " at line %*u, column %*u, byte %*u%n", &length);
    cr_assert(eq(sz, strlen(place), (size_t)length), "nothing follows the position: %s", err.text);
}

static struct str nested(size_t depth)
{
    char *text = arena_alloc(arena, depth * 2 + 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return str_make(text, depth * 2);
}

Test(json_view, nests_32_deep_and_no_deeper)
{
    const struct json_view *view;
    struct err err = {0};

    cr_assert(json_parse(nested(32), arena, &view, &err), "%s", err.text);
    cr_assert(not(json_parse(nested(33), arena, &view, &err)));

    cr_assert(eq(str, err.text, "JSON: nested deeper than 32 at line 1, column 33, byte 32"));
    cr_assert(not(json_parse(nested(100000), arena, &view, &err)));
}

Test(json_view, brackets_in_text_do_not_nest)
{
    parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[\"]");
}

Test(json_view, the_number_of_values_has_a_limit)
{
    AUTO(buf) text = {0};
    const struct json_view *view;
    struct err err = {0};

    buf_byte(&text, '[');
    for (int i = 0; i < 20001; i++)
        buf_str_append(&text, i ? STR(",0") : STR("0"));
    buf_byte(&text, ']');

    cr_assert(not(json_parse(buf_str(&text), arena, &view, &err)));
    cr_assert(str_starts(str_of(err.text), STR("JSON: more than 20000 values at")));
}

Test(json_view, a_second_member_is_found_among_many)
{
    const struct json_view *view;
    AUTO(buf) text = {0};
    struct err err = {0};

    buf_byte(&text, '{');
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "\"m%d\":%d,", i, i);
    size_t before = text.len;
    buf_str_append(&text, STR("\"last\":0}"));
    cr_assert(json_parse(buf_str(&text), arena, &view, &err), "%s", err.text);

    text.len = before;
    buf_str_append(&text, STR("\"m20\":0}"));
    cr_assert(not(json_parse(buf_str(&text), arena, &view, &err)));
    cr_assert(str_starts(str_of(err.text), STR("JSON: a second member of that name at")));
}

static const struct squeeze_row {
    const char *text, *squeezed;
} squeeze_rows[] = {
    {"{\"a\" : [1, 2],\n \"b\" : null}", "{\"a\":[1,2],\"b\":null}"},
    {"[\"a : b\", \"say \\\" : \\\\\", {}]", "[\"a : b\",\"say \\\" : \\\\\",{}]"},
    {"some words", "some words"},
    {"", ""},
};

ROWS_TEST(json_view, is_squeezed_to_no_blanks_between_tokens, squeeze_rows)
{
    struct str squeezed = json_squeeze(str_of(row->text), arena);

    cr_assert(str_equal(squeezed, str_of(row->squeezed)), "%.*s", STR_ARG(squeezed));
}
