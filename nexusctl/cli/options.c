// options: reads the words after a command's name by its table. An error is wrong use, found before
// anything is done.
#include "nexusctl/cli/command.h"

#include "io/pg/pg.h"
#include "provisioning/form.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

const struct option common_options[COMMON_OPTIONS] = {
    [COMMON_JSON] = {"--json", NULL, NULL, .doc = "Answer and errors as JSON."},
    [COMMON_PG] = {"--pg", NULL, "URL", .rule = pg_url_check,
                   .doc = "PostgreSQL; NEXUS_PG_URL when left out."},
    [COMMON_CONFIG] = {"--config", NULL, "FILE", .rule = file_check,
                       .doc = "Settings (NAME=value); the environment overrides. " CONFIG_INSTALLED
                              " when left out."},
    [COMMON_HELP] = {"--help", "-h", NULL, .doc = "This text."},
};

const struct option *option_named(const struct option *options, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(name, str_of(options[i].name)) ||
            (options[i].short_name && str_equal(name, str_of(options[i].short_name))))
            return &options[i];
    return NULL;
}

bool common_option_applies(const struct command *command, size_t option)
{
    return option != COMMON_PG || !command->offline;
}

static const struct option *option_find(const struct command *command, struct str name)
{
    const struct option *own = option_named(command->options, command->option_count, name);
    const struct option *common = option_named(common_options, COMMON_OPTIONS, name);

    if (own || !common)
        return own;
    return common_option_applies(command, (size_t)(common - common_options)) ? common : NULL;
}

// Values.

bool file_check(struct str value, struct err *err)
{
    AUTO(buf) name = {0};
    struct stat status;

    buf_str_append(&name, value);
    const char *path = buf_c_string(&name);
    if (str_equal(value, STR("-")))
        return true;
    // With the permissions that open() checks, which access() does not.
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0 || stat(path, &status) != 0)
        return err_set(err, ERR_BAD_INPUT, "%.150s: %s", path, strerror(errno));
    return !S_ISDIR(status.st_mode) ||
           err_set(err, ERR_BAD_INPUT, "%.150s: %s", path, strerror(EISDIR));
}

bool address_check(struct str value, struct err *err)
{
    struct arena *scratch = arena_new();
    struct str spelled;

    bool good = form_read(FORM_ADDRESS, "", STR_ABSENT, value, scratch, &spelled, err);
    arena_free(&scratch);
    return good;
}

static bool text_check(struct str value, struct err *err)
{
    size_t bad;

    if (!str_is_utf8(value, &bad))
        return err_set(err, ERR_BAD_INPUT, "must be a text in UTF-8");
    for (size_t i = 0; i < value.len; i++)
        if (iscntrl((unsigned char)value.ptr[i]))
            return err_set(err, ERR_BAD_INPUT, "must be a text without control characters");
    return true;
}

static bool value_check(const struct call *call, const struct option *option, struct str value,
                        struct err *err)
{
    struct str same;
    int64_t number;

    // A shell variable that is not set: without its value the command would mean something else.
    if (value.len == 0)
        return err_set(err, ERR_BAD_INPUT, "the value is empty");
    if (islower((unsigned char)option->value[0]))
        return form_read(FORM_CHOICE, option->value, STR_ABSENT, value, call->arena, &same, err);
    if (option->maximum > 0 && !str_to_int(value, option->minimum, option->maximum, &number))
        return err_set(err, ERR_BAD_INPUT, "must be a whole number from %lld to %lld",
                       (long long)option->minimum, (long long)option->maximum);
    // The name of a file may contain any character.
    return option->rule ? option->rule(value, err) : text_check(value, err);
}

// Words.

// The last --config counts: ./build.sh ctl gives one before the caller's.
static bool option_is_new(const struct call *call, const struct option *option)
{
    if (option == &common_options[COMMON_PG])
        return !str_present(call->pg_url);
    for (size_t i = 0; i < call->given_count; i++)
        if (call->given[i].option == option)
            return option->repeats || !option->value;
    return true;
}

static void option_take(struct call *call, const struct option *option, struct str value)
{
    if (option == &common_options[COMMON_JSON])
        call->json = true;
    else if (option == &common_options[COMMON_HELP])
        call->help = true;
    else if (option == &common_options[COMMON_PG])
        call->pg_url = value;
    else if (option == &common_options[COMMON_CONFIG])
        call->config = arena_c_string(call->arena, value);
    else
        call->given[call->given_count++] = (struct given){.option = option, .value = value};
}

static bool word_take(struct call *call, struct str word, struct err *err)
{
    const struct command *command = call->command;

    if (word.len == 0)
        return usage_set(call, err, "an argument is empty");
    if (command->verbs && !call->verb) {
        for (size_t i = 0; i < command->verb_count; i++)
            if (str_equal(word, str_of(command->verbs[i].name)))
                call->verb = &command->verbs[i];
        return call->verb || usage_set(call, err, "unknown subcommand \"%.*s\"", STR_ARG(word));
    }
    if (call->argument_count ==
        (call->verb ? call->verb->arguments_limit : command->arguments_limit))
        return usage_set(call, err, "unexpected argument \"%.*s\"", STR_ARG(word));
    if (!text_check(word, err))
        return usage_in(call, "an argument", err);
    call->arguments[call->argument_count++] = word;
    return true;
}

static bool value_take(struct call *call, const struct option *option, struct str value,
                       struct err *err)
{
    if (call->given_count == GIVEN_LIMIT)
        return usage_set(call, err, "more than %d options", GIVEN_LIMIT);
    if (option->value && !value_check(call, option, value, err))
        return usage_in(call, option->name, err);
    if (!option_is_new(call, option))
        return usage_set(call, err, "%s is given twice", option->name);
    option_take(call, option, value);
    return true;
}

// An option that would be ignored is an error.
static bool options_belong(struct call *call, struct err *err)
{
    const struct command *command = call->command;
    const struct verb *verb = call->verb ? call->verb : command->verbs;

    for (size_t i = 0; i < call->given_count; i++) {
        const struct option *option = call->given[i].option;
        if (option->verb && !str_equal(str_of(option->verb), str_of(verb->name)))
            return usage_set(call, err, "%s is an option of %s %s", option->name, command->name,
                             option->verb);
    }
    return true;
}

bool call_parse(struct call *call, const char *const *words, size_t count, struct err *err)
{
    struct str name, value;
    bool options_ended = false;

    for (size_t i = 0; i < count; i++) {
        struct str word = str_of(words[i]);
        if (!options_ended && str_equal(word, STR("--"))) {
            options_ended = true; // an id may begin with a hyphen
            continue;
        }
        if (options_ended || !str_starts(word, STR("-")) || word.len == 1) {
            if (!word_take(call, word, err))
                return false;
            continue;
        }
        bool joined = str_starts(word, STR("--")) && str_cut(word, '=', &name, &value);
        const struct option *option = option_find(call->command, joined ? name : word);
        if (!option)
            return usage_set(call, err, "unknown option %s", words[i]);
        if (joined && !option->value)
            return usage_set(call, err, "%s takes no value", option->name);
        if (!joined && option->value && ++i == count)
            return usage_set(call, err, "%s needs a value: %s", option->name, option->value);
        if (!joined)
            value = str_of(option->value ? words[i] : NULL);
        if (!value_take(call, option, value, err))
            return false;
    }
    return options_belong(call, err);
}

// Given values.

bool option_next(const struct call *call, size_t option, size_t *cursor, struct str *value)
{
    while (*cursor < call->given_count) {
        const struct given *given = &call->given[(*cursor)++];
        if (given->option == &call->command->options[option]) {
            *value = given->value;
            return true;
        }
    }
    return false;
}

bool option_given(const struct call *call, size_t option)
{
    struct str value;
    size_t cursor = 0;

    return option_next(call, option, &cursor, &value);
}

struct str option_text(const struct call *call, size_t option)
{
    struct str value = STR_ABSENT;
    size_t cursor = 0;

    while (option_next(call, option, &cursor, &value))
        continue;
    return value;
}

int64_t option_number(const struct call *call, size_t option, int64_t otherwise)
{
    const struct option *row = &call->command->options[option];
    struct str text = option_text(call, option);
    int64_t number = otherwise;

    return str_present(text) && str_to_int(text, row->minimum, row->maximum, &number) ? number
                                                                                      : otherwise;
}

struct str option_address(struct call *call, size_t option)
{
    struct str text = option_text(call, option), spelled = text;
    struct err ignored; // the option's rule has seen it

    if (str_present(text))
        (void)!form_read(FORM_ADDRESS, "", STR_ABSENT, text, call->arena, &spelled, &ignored);
    return spelled;
}

struct str option_ids(struct call *call, size_t option)
{
    AUTO(buf) list = {0};
    struct str id;
    size_t cursor = 0;

    while (option_next(call, option, &cursor, &id))
        buf_printf(&list, "%c%.*s", list.len ? ',' : '{', STR_ARG(id));
    if (list.len == 0)
        return STR_ABSENT;
    buf_byte(&list, '}');
    return arena_copy(call->arena, buf_str(&list));
}

bool options_ordered(struct call *call, size_t from, size_t to, struct err *err)
{
    struct str first = option_text(call, from), last = option_text(call, to);

    // 2027-01-31 and 2027-01-31T12:00:00Z: the order of the texts is the order in time.
    if (str_present(first) && str_present(last) &&
        strcmp(arena_c_string(call->arena, first), arena_c_string(call->arena, last)) > 0)
        return usage_set(call, err, "%s is after %s", call->command->options[from].name,
                         call->command->options[to].name);
    return true;
}
