#include "nexusctl/yaml/codec_yaml.h"

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

TestSuite(yaml, .init = set_up, .fini = tear_down);

static const struct json_view *parse(struct str text)
{
    const struct json_view *view = NULL;
    struct err err = {0};

    cr_assert(yaml_parse(text, arena, &view, &err), "%s", err.text);
    return view;
}

static char *as_json(const struct json_view *view)
{
    return (char *)arena_c_string(arena, json_compact(view, arena));
}

static const struct tree_row {
    const char *text, *json;
} tree_rows[] = {
    {"a: 1\nb:\n  - x\n  - y: z\n", "{\"a\":1,\"b\":[\"x\",{\"y\":\"z\"}]}"},
    {"{\"a\": [1, true, null, 1.5], \"b\": {}}", "{\"a\":[1,true,null,1.5],\"b\":{}}"},
    {"{a: [b, 'c: d'], e: \"f\\n\"}", "{\"a\":[\"b\",\"c: d\"],\"e\":\"f\\n\"}"},
    {"\"\\ud83d\\ude00\"", NULL}, // only JSON has surrogate pairs, and this is not read as JSON
    {"[\"\\ud83d\\ude00\"]", "[\"\xF0\x9F\x98\x80\"]"},
    {"# nothing\n", "null"},
    {"", "null"},
    {"---\na: b\n...\n", "{\"a\":\"b\"}"},
    {"%YAML 1.1\n---\na: b\n", "{\"a\":\"b\"}"},
    {"\xEF\xBB\xBF"
     "a: b\n",
     "{\"a\":\"b\"}"},
    {"a: |\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\"}"},
    {"a: >-\n  one\n  two\n", "{\"a\":\"one two\"}"},
    {"a:\nb: ~\nc: null\nd: ''\n", "{\"a\":null,\"b\":null,\"c\":null,\"d\":\"\"}"},
    {"1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}"},
    {"a: !!str 1\nb: ! 2\n", "{\"a\":\"1\",\"b\":\"2\"}"},
    {"\"<<\": a\n", "{\"<<\":\"a\"}"},
};

ROWS_TEST(yaml, gives_the_tree_that_json_gives, tree_rows)
{
    const struct json_view *view = NULL;
    struct err err = {0};

    bool good = yaml_parse(str_of(row->text), arena, &view, &err);

    cr_assert(eq(int, good, row->json != NULL), "%s: %s", row->text, err.text);
    if (row->json)
        cr_assert(eq(str, as_json(view), (char *)row->json));
}

static const struct scalar_row {
    const char *text;
    enum tree_kind kind;
} scalar_rows[] = {
    {"18445551212", TREE_INTEGER},
    {"+18445551212", TREE_TEXT},
    {"-5", TREE_INTEGER},
    {"0", TREE_INTEGER},
    {"007", TREE_TEXT},
    {"-0", TREE_TEXT},
    {"0x1F", TREE_TEXT},
    {"1_000", TREE_TEXT},
    {"9223372036854775807", TREE_INTEGER},
    {"9223372036854775808", TREE_TEXT},
    {"1.5", TREE_REAL},
    {"-1.5e-3", TREE_REAL},
    {"1e3", TREE_REAL},
    {"1e999", TREE_TEXT},
    {"1.", TREE_TEXT},
    {".5", TREE_TEXT},
    {"1e", TREE_TEXT},
    {"1e+", TREE_TEXT},
    {"1.2.3", TREE_TEXT},
    {".inf", TREE_TEXT},
    {"true", TREE_BOOL},
    {"True", TREE_BOOL},
    {"FALSE", TREE_BOOL},
    {"yes", TREE_TEXT},
    {"off", TREE_TEXT},
    {"2026-11-24", TREE_TEXT},
    {"12:30", TREE_TEXT},
    {"\"1\"", TREE_TEXT},
    {"'true'", TREE_TEXT},
    {"NULL", TREE_NULL},
};

ROWS_TEST(yaml, distinguishes_texts_numbers_and_booleans, scalar_rows)
{
    AUTO(buf) text = {0};

    buf_printf(&text, "a: %s", row->text);

    cr_assert(eq(int, json_kind(json_member(parse(buf_str(&text)), "a")), row->kind), "%s",
              row->text);
}

Test(yaml, keeps_the_spelling_of_numbers_and_booleans)
{
    const struct json_view *view = parse(STR("a: 18445551212\nb: 1.50\nc: True\nd: ~\ne: x\n"));

    cr_assert(str_equal(json_written(json_member(view, "a")), STR("18445551212")));
    cr_assert(str_equal(json_written(json_member(view, "b")), STR("1.50")));
    cr_assert(str_equal(json_written(json_member(view, "c")), STR("True")));
    cr_assert(not(str_present(json_written(json_member(view, "d")))));
    cr_assert(str_equal(json_written(json_member(view, "e")), STR("x")));
    cr_assert(not(str_present(json_written(json_member(parse(STR("{\"a\":1}")), "a")))));
}

static const struct fault_row {
    const char *text;
    const char *error;
} fault_rows[] = {
    {"a: 1\nb: 2\na: 3\n", "YAML: a duplicate key at line 3, column 1"},
    {"{\"a\":1,\n \"a\":2}", "YAML: a duplicate key at line 2, column 2"},
    {"a: &x 1\n", "YAML: anchors are not allowed at line 1, column 4"},
    {"a: &x [1]\n", "YAML: anchors are not allowed at line 1, column 4"},
    {"a: *x\n", "YAML: aliases are not allowed at line 1, column 4"},
    {"*x : a\n", "YAML: aliases are not allowed at line 1, column 1"},
    {"<<: {a: b}\n", "YAML: merge keys are not allowed at line 1, column 1"},
    {"a: !!int 1\n", "YAML: tags other than !!str are not allowed at line 1, column 4"},
    {"a: !!python/object {}\n", "YAML: tags other than !!str are not allowed at line 1, column 4"},
    {"[x, y]: z\n", "YAML: a key must be a text at line 1, column 1"},
    {"a: b\n---\nc: d\n", "YAML: a second document at line 2, column 1"},
    {"a: \"x\\0y\"\n", "YAML: a NUL in a text at line 1, column 4"},
    {"a:\n  b: c\n d: e\n", "YAML: did not find expected key at line 3, column 2"},
    {"a: [1, 2\n", "YAML: did not find expected ',' or ']' at line 2, column 1"},
    {"a: b: c\n", "YAML: mapping values are not allowed in this context at line 1, column 5"},
    {"\ta: b\n", "YAML: found character that cannot start any token at line 1, column 1"},
    {"a: \xFF\n", "YAML: invalid leading UTF-8 octet at byte 3"},
    {"a: \x01\n", "YAML: control characters are not allowed at byte 3"},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
     "YAML: nested deeper than 32 at line 1, column 33"},
};

ROWS_TEST(yaml, reports_the_position_of_an_error_without_the_text, fault_rows)
{
    const struct json_view *view = NULL;
    struct err err = {0};

    bool good = yaml_parse(str_of(row->text), arena, &view, &err);

    cr_assert(not(good), "%s", row->text);
    cr_assert(eq(str, err.text, (char *)row->error));
}

Test(yaml, reads_large_files_up_to_a_limit)
{
    AUTO(buf) text = {0};
    const struct json_view *view = NULL;
    struct err err = {0};

    for (int i = 0; i < 100000; i++)
        buf_str_append(&text, STR("- a\n"));
    cr_assert(yaml_parse(buf_str(&text), arena, &view, &err), "%s", err.text);
    for (int i = 0; i < 400000; i++)
        buf_str_append(&text, STR("- a\n"));

    cr_assert(not(yaml_parse(buf_str(&text), arena, &view, &err)));
    cr_assert(eq(str, err.text, "YAML: more than 500000 values at line 500000, column 3"));
}

static const struct text_row {
    const char *text;
    const char *yaml;
} text_rows[] = {
    {"premise_tenant", "premise_tenant"},
    {"nexus:cluster:*", "\"nexus:cluster:*\""},
    {"nexus:consumer:chat", "nexus:consumer:chat"},
    {"https://sms.example.com/out?a=1", "https://sms.example.com/out?a=1"},
    {"My Support Line", "My Support Line"},
    {"header:x-account", "header:x-account"},
    {"18445551212", "\"18445551212\""},
    {"+18445551212", "\"+18445551212\""},
    {"true", "\"true\""},
    {"No", "\"No\""},
    {"", "\"\""},
    {"a: b", "'a: b'"},
    {"a #b", "\"a #b\""},
    {"a:", "'a:'"},
    {"a ", "'a '"},
    {"- a", "\"- a\""},
    {"line\nbreak", "\"line\\nbreak\""},
    {"\x7F", "\"\\x7F\""},
    {"\xC2\x85\xE2\x80\xA8\xEF\xBB\xBF\xEF\xBF\xBF", "\"\\N\\L\\uFEFF\\uFFFF\""},
    {"\xC3\xA9t\xC3\xA9", "\"\xC3\xA9t\xC3\xA9\""},
    {"\xF0\x9F\x98\x80", "\"\\U0001F600\""},
};

ROWS_TEST(yaml, quotes_texts_that_could_be_read_as_something_else, text_rows)
{
    AUTO(buf) json = {0}, out = {0}, expected = {0};

    buf_printf(&expected, "key: %s\n", row->yaml);
    json_open(&json, '{');
    json_key_str(&json, "key", str_of(row->text));
    json_close(&json, '}');

    yaml_write(parse(buf_str(&json)), &out);

    cr_assert(eq(str, (char *)buf_c_string(&out), (char *)buf_c_string(&expected)));
    cr_assert(str_equal(json_text(json_member(parse(buf_str(&out)), "key")), str_of(row->text)));
}

Test(yaml, writes_what_it_reads)
{
    static const char text[] = "tenants:\n"
                               "- name: a\n"
                               "  keys:\n"
                               "  - name: b\n"
                               "    capacity: 0\n"
                               "    enabled: false\n"
                               "  numbers: []\n"
                               "  data: {}\n"
                               "  lists:\n"
                               "  - - x\n"
                               "    - null\n"
                               "clusterKeys: []\n";
    AUTO(buf) out = {0};

    yaml_write(parse(STR(text)), &out);

    cr_assert(eq(str, (char *)buf_c_string(&out), (char *)text));
}

// A long key would need a "?" before it in YAML, unless it is on one line.
Test(yaml, writes_texts_and_keys_of_any_length_on_one_line)
{
    AUTO(buf) json = {0}, out = {0};
    char text[2001];

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text[1000] = ' ';
    json_open(&json, '{');
    json_key_str(&json, text, str_of(text));
    json_close(&json, '}');

    yaml_write(parse(buf_str(&json)), &out);

    cr_assert(str_equal(json_text(json_member(parse(buf_str(&out)), text)), str_of(text)));
    cr_assert(eq(sz, out.len, strlen("? \n: \n") + 2 * strlen(text)));
}
