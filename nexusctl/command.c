// command: options, help and the two places where text leaves: stdout for answers, stderr for
// errors.
#include "nexusctl/command.h"

#include "base/failpoint.h"
#include "base/list.h"
#include "base/secrecy.h"
#include "nexusctl/output.h"
#include "store/rules.h"
#include "wire/codec_yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>

enum { FILE_LIMIT = 4 * 1024 * 1024 };

const struct option common_options[COMMON_OPTIONS] = {
    [COMMON_JSON] = {"--json", NULL, NULL, .doc = "Answer and errors as JSON."},
    [COMMON_PG] = {"--pg", NULL, "URL", .doc = "PostgreSQL; NEXUS_PG_URL when left out."},
    [COMMON_CONFIG] =
        {"--config", NULL, "FILE",
         .doc = "Settings (NAME=value); the environment overrides. Without it " CONFIG_INSTALLED
                ", if it is there and may be read."},
    [COMMON_HELP] = {"--help", "-h", NULL, .doc = "This text."},
};

static const struct option *table_find(const struct option *options, size_t count, struct str name)
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
    const struct option *own = table_find(command->options, command->option_count, name);
    const struct option *common = table_find(common_options, COMMON_OPTIONS, name);

    if (own || !common)
        return own;
    return common_option_applies(command, (size_t)(common - common_options)) ? common : NULL;
}

bool usage_set(struct call *call, struct err *err, const char *format, ...)
{
    va_list arguments;
    AUTO(buf) text = {0};

    va_start(arguments, format);
    buf_vprintf(&text, format, arguments);
    va_end(arguments);
    call->verdict = EXIT_USAGE;
    return err_set(err, ERR_BAD_INPUT, "%s", buf_c_string(&text));
}

// Of --config the last one counts: ./build.sh ctl gives one before the caller's.
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
    if (call->argument_count == command->arguments_limit)
        return usage_set(call, err, "unexpected argument \"%.*s\"", STR_ARG(word));
    call->arguments[call->argument_count++] = word;
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
        if (call->given_count == GIVEN_LIMIT)
            return usage_set(call, err, "more than %d options", GIVEN_LIMIT);
        if (!joined)
            value = str_of(option->value ? words[i] : NULL);
        // A shell variable that is not set: without its value the command would mean something else.
        if (option->value && value.len == 0)
            return usage_set(call, err, "%s: the value is empty", option->name);
        if (option->value && str_equal(str_of(option->value), STR("CCID")) &&
            !str_equal(value, STR("*")) && !uuid_check(value, err))
            return usage_set(call, err, "%s: a UUID is wanted", option->name);
        if (!option_is_new(call, option))
            return usage_set(call, err, "%s is given twice", option->name);
        option_take(call, option, value);
    }
    return true;
}

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

bool option_number(struct call *call, size_t option, int64_t minimum, int64_t maximum,
                   int64_t *value, struct err *err)
{
    struct str text = option_text(call, option);

    if (str_present(text) && !str_to_int(text, minimum, maximum, value))
        return usage_set(call, err, "%s: a whole number from %lld to %lld is wanted",
                         call->command->options[option].name, (long long)minimum,
                         (long long)maximum);
    return true;
}

bool option_check(struct call *call, size_t option, bool (*rule)(struct str text, struct err *err),
                  struct err *err)
{
    struct err broken;
    struct str value;
    size_t cursor = 0;

    while (option_next(call, option, &cursor, &value))
        if (!rule(value, &broken))
            return usage_set(call, err, "%s: %s", call->command->options[option].name, broken.text);
    return true;
}

bool option_ids(struct call *call, size_t option, struct str *ids, struct err *err)
{
    AUTO(buf) list = {0};
    struct str id;
    size_t cursor = 0;

    if (!option_check(call, option, uuid_check, err))
        return false;
    while (option_next(call, option, &cursor, &id))
        buf_printf(&list, "%c%.*s", list.len ? ',' : '{', STR_ARG(id));
    if (list.len > 0)
        buf_byte(&list, '}');
    *ids = list.len ? arena_copy(call->arena, buf_str(&list)) : STR_ABSENT;
    return true;
}

bool options_ordered(struct call *call, size_t from, size_t to, struct err *err)
{
    struct str first = option_text(call, from), last = option_text(call, to);

    // 2027-01-31 and 2027-01-31T12:00:00Z: the order of the moments is that of the letters.
    if (str_present(first) && str_present(last) &&
        strcmp(arena_c_string(call->arena, first), arena_c_string(call->arena, last)) > 0)
        return usage_set(call, err, "%s is after %s", call->command->options[from].name,
                         call->command->options[to].name);
    return true;
}

// Whoever runs us, as the machine knows them: $USER can say anything.
bool call_introduce(struct call *call, struct pg_script *script, struct err *err)
{
    const struct passwd *user = getpwuid(geteuid());
    struct str name = user ? str_of(user->pw_name) : STR("unknown"), none;

    if (pg_script_ask(script, statements[STATEMENT_AUDIT_LOCAL].sql, &name, 1, call->arena, &none,
                      err))
        return true;
    if (str_starts(str_of(err->text), STR("SQLSTATE 42883"))) // there is no such function
        return err_set(
            err, ERR_BAD_INPUT,
            "this database holds no Nexus of this version; nexusctl migrate makes it one");
    return false;
}

bool call_ask(struct call *call, enum statement statement, const struct str *params, size_t count,
              struct str *answer, struct err *err)
{
    return call_try(call, statement, params, count, false, answer, err);
}

bool call_try(struct call *call, enum statement statement, const struct str *params, size_t count,
              bool dry_run, struct str *answer, struct err *err)
{
    struct pg_script *script = NULL;

    bool answered =
        call_connect(call, &script, err) && call_introduce(call, script, err) &&
        (!dry_run || pg_script_run(script, "begin", err)) &&
        pg_script_ask(script, statements[statement].sql, params, count, call->arena, answer, err) &&
        (!dry_run || pg_script_run(script, "rollback", err));
    pg_script_close(&script); // rolls back what is open
    if (answered)
        *answer = json_squeeze(*answer, call->arena);
    return answered;
}

bool answer_parse(struct str json, struct arena *arena, const struct json_view **view,
                  struct err *err)
{
    return yaml_parse(json, arena, view, err); // reads JSON, with room for 500000 values
}

bool call_read(struct call *call, struct str path, struct str *content, struct err *err)
{
    bool standard_input = str_equal(path, STR("-"));
    const char *name = standard_input ? "standard input" : arena_c_string(call->arena, path);
    // Not by its name in /dev: opening that again may be forbidden to the user we run as.
    int fd = standard_input ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
    AUTO(buf) bytes = {0};
    ssize_t count = -1;

    if (fd >= 0) {
        while ((count = read(fd, buf_reserve(&bytes, 65536), 65536)) > 0 && bytes.len <= FILE_LIMIT)
            bytes.len += (size_t)count;
        close(fd);
    }
    if (count != 0)
        return err_set(err, ERR_BAD_INPUT, "%.150s: %s", name,
                       count > 0 ? "larger than 4 MiB" : strerror(errno));
    *content = arena_copy(call->arena, buf_str(&bytes));
    return true;
}

static void error_as_json(const struct err *err)
{
    AUTO(buf) line = {0};

    json_open(&line, '{');
    json_key_str(&line, "error", err_name(err->code));
    json_key_str(&line, "detail", str_of(err->text));
    json_close(&line, '}');
    fprintf(stderr, "%s\n", buf_c_string(&line));
}

static void error_print(const struct call *call, const struct err *err)
{
    if (call->json) {
        error_as_json(err);
        return;
    }
    fprintf(stderr, "nexusctl %s: %s\n", call->command->name, err->text);
    if (call->verdict == EXIT_USAGE)
        fprintf(stderr, "nexusctl %s --help explains it.\n", call->command->name);
}

// The words on one side of the command's name.
struct words {
    char **list;
    int count;
};

static bool words_parse(struct call *call, struct words words, struct err *err)
{
    return call_parse(call, (const char *const *)words.list, (size_t)words.count, err);
}

static run_fn *run_of(const struct call *call)
{
    const struct command *command = call->command;

    return call->verb ? call->verb->run : command->verbs ? command->verbs[0].run : command->run;
}

static bool call_run(struct call *call, struct words before, struct words after, struct err *err)
{
    bool parsed = words_parse(call, before, err) && words_parse(call, after, err);

    if (!output_open(err))
        return false;
    if (call->help) {
        command_help(call->command, &call->out);
        call->verdict = EXIT_DONE;
        return true;
    }
    if (!parsed || !failpoints_init(err))
        return false;
    secrecy_begin();
    return call_settings_load(call, err) && run_of(call)(call, err);
}

bool call_flush(struct call *call, struct err *err)
{
    return output_print(&call->out, err);
}

static int command_run(struct call *call, struct words before, struct words after)
{
    struct err err;

    call->arena = arena_new();
    bool ran = call_run(call, before, after, &err);
    if (!ran || !call_flush(call, &err)) {
        error_print(call, &err);
        // What a dry run found nobody was told, where it could not be written.
        call->verdict = !ran && call->verdict ? call->verdict : EXIT_FAILED;
    }
    buf_release(&call->out);
    arena_free(&call->arena);
    return (int)call->verdict;
}

static const struct command *command_find(const struct command *const *commands, size_t count,
                                          const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(str_of(name), str_of(commands[i]->name)))
            return commands[i];
    return NULL;
}

// Where no command was named: what is wrong with that, if anything, and what there is.
static int overview(const struct call *call, const char *unknown_option,
                    const char *unknown_command, bool asked)
{
    AUTO(buf) text = {0};
    struct err err = {0};

    if (unknown_option)
        err_set(&err, ERR_BAD_INPUT, "unknown option %s", unknown_option);
    else if (unknown_command)
        err_set(&err, ERR_BAD_INPUT, "unknown command \"%s\"", unknown_command);
    else if (!asked)
        err_set(&err, ERR_BAD_INPUT, "no command is given");
    if (asked) {
        commands_help(call->commands, call->command_count, &text);
        if (output_open(&err) && output_print(&text, &err))
            return EXIT_DONE;
        fprintf(stderr, "nexusctl: %s\n", err.text);
        return EXIT_FAILED;
    }
    if (call->json)
        error_as_json(&err);
    else
        fprintf(stderr, "nexusctl: %s\nnexusctl --help lists the commands.\n", err.text);
    return EXIT_USAGE;
}

static const struct option *common_option_find(struct str word)
{
    struct str name, value;

    str_cut(word, '=', &name, &value);
    return table_find(common_options, COMMON_OPTIONS, name);
}

// The place of the command's name: the first word that is neither an option nor its value. *unknown is
// the option before it that there is not, or NULL.
static int command_place(int argc, char **argv, const char **unknown)
{
    int place = 1;

    *unknown = NULL;
    while (place < argc && argv[place][0] == '-') {
        const struct option *option =
            table_find(common_options, COMMON_OPTIONS, str_of(argv[place]));
        if (!common_option_find(str_of(argv[place])))
            *unknown = argv[place];
        place += option && option->value ? 2 : 1;
    }
    return place;
}

int nexusctl_run(const struct command *const *commands, size_t count, int argc, char **argv)
{
    const char *unknown;
    int place = command_place(argc, argv, &unknown);
    bool help = place < argc && str_equal(str_of(argv[place]), STR("help"));
    int named = help ? place + 1 : place;
    struct call call = {
        .command = named < argc ? command_find(commands, count, argv[named]) : NULL,
        .commands = commands,
        .command_count = count,
        .help = help,
    };

    if (call.command)
        return command_run(&call, (struct words){argv + 1, place - 1},
                           (struct words){argv + named + 1, argc - named - 1});
    bool asked = named >= argc && argc > 1 && !unknown; // help, --help
    for (int i = 1; i < argc; i++)
        call.json |= str_equal(str_of(argv[i]), STR("--json"));
    return overview(&call, unknown, named < argc ? argv[named] : NULL, asked);
}
