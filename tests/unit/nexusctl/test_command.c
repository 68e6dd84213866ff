#include "nexusctl/command.h"

#include "rows.h"

enum { FROM, DRY_RUN, ID };
static const struct option options[] = {
    [FROM] = {"--from", "-f", "DAY", "first day"},
    [DRY_RUN] = {"--dry-run", NULL, NULL, "only say"},
    [ID] = {"--id", NULL, "ID", "this one", .repeats = true},
};
static const struct command command = {.name = "test",
                                       .summary = "a test",
                                       .usage = "",
                                       .manual = "",
                                       .examples = "  nexusctl test",
                                       .options = options,
                                       .option_count = COUNT_OF(options),
                                       .arguments_limit = 1};

static bool parse(struct call *call, const char *const *words, size_t count, struct err *err)
{
    *call = (struct call){.command = &command, .arena = arena_new()};
    return call_parse(call, words, count, err);
}

Test(command, reads_a_value_after_the_option_its_short_name_or_an_equals_sign)
{
    static const char *const spellings[][2] = {
        {"--from", "x"}, {"-f", "x"}, {"--from=x", "--json"}};
    struct call call;
    struct err err;

    for (size_t i = 0; i < COUNT_OF(spellings); i++) {
        cr_assert(parse(&call, spellings[i], 2, &err));
        cr_assert(str_equal(option_text(&call, FROM), STR("x")));
        arena_free(&call.arena);
    }
}

Test(command, gives_every_value_of_a_repeated_option_in_order)
{
    const char *const words[] = {"--id", "1", "--dry-run", "--id", "2"};
    struct call call;
    struct err err;
    struct str value;
    size_t cursor = 0;

    cr_assert(parse(&call, words, COUNT_OF(words), &err));

    cr_assert(option_next(&call, ID, &cursor, &value) && str_equal(value, STR("1")));
    cr_assert(option_next(&call, ID, &cursor, &value) && str_equal(value, STR("2")));
    cr_assert(not(option_next(&call, ID, &cursor, &value)));
    arena_free(&call.arena);
}

Test(command, refuses_a_second_value_where_one_counts)
{
    const char *const words[] = {"--from", "1", "-f", "2"};
    struct call call;
    struct err err;

    cr_assert(not(parse(&call, words, COUNT_OF(words), &err)));
    cr_assert(eq(str, err.text, "--from is given twice"));
    arena_free(&call.arena);
}

Test(command, takes_what_follows_two_hyphens_for_words)
{
    const char *const words[] = {"--", "-1"};
    struct call call;
    struct err err;

    cr_assert(parse(&call, words, COUNT_OF(words), &err));
    cr_assert(str_equal(call.arguments[0], STR("-1")));
    arena_free(&call.arena);
}

Test(command, takes_a_lone_hyphen_for_a_word)
{
    const char *const words[] = {"-"};
    struct call call;
    struct err err;

    cr_assert(parse(&call, words, 1, &err));

    cr_assert(eq(sz, call.argument_count, 1));
    arena_free(&call.arena);
}

static const struct wrong_row {
    const char *words[3];
    size_t count;
    const char *error;
} wrong_rows[] = {
    {{"--nope"}, 1, "unknown option --nope"},
    {{"--from"}, 1, "--from needs a value: DAY"},
    {{"--dry-run=yes"}, 1, "--dry-run takes no value"},
    {{"one", "two"}, 2, "unexpected argument \"two\""},
};

ROWS_TEST(command, refuses_what_it_does_not_know_with_exit_code_2, wrong_rows)
{
    struct call call;
    struct err err = {0};

    bool good = parse(&call, row->words, row->count, &err);

    cr_assert(not(good));
    cr_assert(eq(int, call.verdict, EXIT_USAGE));
    cr_assert(eq(str, err.text, (char *)row->error));
    arena_free(&call.arena);
}

Test(command, explains_each_option_in_its_help)
{
    AUTO(buf) out = {0};

    command_help(&command, &out);

    const char *text = buf_c_string(&out);
    cr_assert(ne(ptr, strstr(text, "-f, --from DAY"), NULL));
    cr_assert(ne(ptr, strstr(text, "--json"), NULL));
    cr_assert(ne(ptr, strstr(text, "  nexusctl test"), NULL));
}
