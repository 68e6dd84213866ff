#include "nexusctl/cli/command.h"

#include "rows.h"

static bool no_y(struct str value, struct err *err)
{
    return !memchr(value.ptr, 'y', value.len) || err_set(err, ERR_BAD_INPUT, "must be no y");
}

enum { FROM, DRY_RUN, ID, BY, LIMIT };
static const struct option options[] = {
    [FROM] = {"--from", "-f", "DAY", "first day", .rule = no_y},
    [DRY_RUN] = {"--dry-run", NULL, NULL, "only say"},
    [ID] = {"--id", NULL, "ID", "this one", .repeats = true},
    [BY] = {"--by", NULL, "channel|tenant", "a line for each"},
    [LIMIT] = {"--limit", NULL, "COUNT", "at most", .minimum = 1, .maximum = 9},
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

Test(command, refuses_a_second_value_of_an_option_that_takes_one)
{
    const char *const words[] = {"--from", "1", "-f", "2"};
    struct call call;
    struct err err;

    cr_assert(not(parse(&call, words, COUNT_OF(words), &err)));
    cr_assert(eq(str, err.text, "--from is given twice"));
    arena_free(&call.arena);
}

Test(command, reads_everything_after_two_hyphens_as_words)
{
    const char *const words[] = {"--", "-1"};
    struct call call;
    struct err err;

    cr_assert(parse(&call, words, COUNT_OF(words), &err));
    cr_assert(str_equal(call.arguments[0], STR("-1")));
    arena_free(&call.arena);
}

Test(command, reads_a_lone_hyphen_as_a_word)
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
    {{""}, 1, "an argument is empty"},
    {{"a\nb"}, 1, "an argument: must be a text without control characters"},
    {{"--id", ""}, 2, "--id: the value is empty"},
    {{"--id="}, 1, "--id: the value is empty"},
    {{"--id", "\xff"}, 2, "--id: must be a text in UTF-8"},
    {{"--id", "a\x07"}, 2, "--id: must be a text without control characters"},
    {{"--from", "yes"}, 2, "--from: must be no y"},
    {{"-f", "yes"}, 2, "--from: must be no y"},
    {{"--by", "day"}, 2, "--by: must be channel or tenant"},
    {{"--limit", "0"}, 2, "--limit: must be a whole number from 1 to 9"},
    {{"--limit=ten"}, 1, "--limit: must be a whole number from 1 to 9"},
    {{"--pg", "nonsense"},
     2,
     "--pg: must be postgresql://USER@HOST/DATABASE or host=HOST dbname=DATABASE; in a URL a "
     "password's "
     "% @ : / are %25 %40 %3A %2F, in a string one with blanks is in quotes"},
    {{"--config", "/"}, 2, "--config: /: Is a directory"},
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

Test(command, gives_the_number_of_an_option_or_the_default)
{
    const char *const words[] = {"--limit", "7"};
    struct call call;
    struct err err;

    cr_assert(parse(&call, words, 0, &err));
    cr_assert(eq(i64, option_number(&call, LIMIT, 5), 5));
    arena_free(&call.arena);
    cr_assert(parse(&call, words, 2, &err));
    cr_assert(eq(i64, option_number(&call, LIMIT, 5), 7));
    arena_free(&call.arena);
}

static const struct option of_verbs[] = {
    {"--all", NULL, NULL, .doc = "whatever is there"},
    {"--name", NULL, "NAME", .doc = "its name", .verb = "make"},
};
static const struct verb verbs[] = {{"list", "shows them", NULL, 0},
                                    {"make", "makes one", NULL, 1}};
static const struct command with_verbs = {.name = "things",
                                          .options = of_verbs,
                                          .option_count = COUNT_OF(of_verbs),
                                          .verbs = verbs,
                                          .verb_count = COUNT_OF(verbs)};

static const struct wrong_row wrong_verb_rows[] = {
    {{"destroy"}, 1, "unknown subcommand \"destroy\""},
    {{"list", "one"}, 2, "unexpected argument \"one\""},
    {{"--name=x"}, 1, "--name is an option of things make"},
    {{"--name=x", "list"}, 2, "--name is an option of things make"},
};

ROWS_TEST(command, refuses_what_belongs_to_another_verb, wrong_verb_rows)
{
    struct call call = {.command = &with_verbs, .arena = arena_new()};
    struct err err = {0};

    cr_assert(not(call_parse(&call, row->words, row->count, &err)));
    cr_assert(eq(str, err.text, (char *)row->error));
    arena_free(&call.arena);
}

Test(command, accepts_the_words_and_options_of_a_verb)
{
    const char *const words[] = {"make", "one", "--name=x", "--all"};
    struct call call = {.command = &with_verbs, .arena = arena_new()};
    struct err err = {0};

    cr_assert(call_parse(&call, words, COUNT_OF(words), &err));
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
