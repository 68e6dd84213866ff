#include "nexusctl/cli/table.h"

#include "rows.h"

Test(table, aligns_text_to_the_left_and_numbers_to_the_right)
{
    struct table table = {.columns = 3};
    AUTO(buf) out = {0};

    table_cell(&table, STR("WHO"));
    table_cell(&table, STR("COUNT"));
    table_cell(&table, STR("WHAT"));
    table_cell(&table, STR("é"));
    table_number(&table, 7);
    table_cell(&table, STR_ABSENT);
    table_print(&table, &out);

    cr_assert(eq(str, (char *)buf_c_string(&out), "WHO  COUNT  WHAT\né        7  -\n"));
}

static struct str shout(const struct json_view *row, struct arena *arena)
{
    return arena_printf(arena, "%.*s!", STR_ARG(json_text(json_member(row, "name"))));
}

Test(table, shows_the_rows_of_an_answer_in_declared_columns)
{
    static const struct column columns[] = {{"NAME", NULL, shout},
                                            {"COUNT", "count", NULL},
                                            {"ON", "on", NULL},
                                            {"OF", "list", NULL},
                                            {"AT", "last.at", NULL}};
    static const struct listing list = {"rows", columns, COUNT_OF(columns)};
    struct str json = STR(
        "{\"rows\":[{\"name\":\"a\",\"count\":7,\"on\":true,\"list\":[\"x\",\"y\"],"
        "\"last\":{\"at\":\"noon\"}},{\"name\":\"b\",\"count\":12,\"on\":false,\"last\":null}]}");
    struct arena *arena = arena_new();
    const struct json_view *answer;
    AUTO(buf) out = {0};
    struct err err;

    cr_assert(json_parse(json, arena, &answer, &err));
    listing_print(&list, answer, arena, &out);

    cr_assert(eq(str, (char *)buf_c_string(&out),
                 "NAME  COUNT  ON   OF   AT\n"
                 "a!        7  yes  x y  noon\n"
                 "b!       12  no   -    -\n"));
    arena_free(&arena);
}

Test(table, shows_rows_without_a_heading)
{
    static const struct column columns[] = {{NULL, "name", NULL}};
    static const struct listing list = {NULL, columns, COUNT_OF(columns)};
    struct arena *arena = arena_new();
    const struct json_view *answer;
    AUTO(buf) out = {0};
    struct err err;

    cr_assert(json_parse(STR("[{\"name\":\"a\"}]"), arena, &answer, &err));
    listing_print(&list, answer, arena, &out);

    cr_assert(eq(str, (char *)buf_c_string(&out), "a\n"));
    arena_free(&arena);
}
