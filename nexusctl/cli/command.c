// command: finds a command, runs it, and writes all output: answers to stdout, errors to stderr.
#include "nexusctl/cli/command.h"

#include "nexusctl/cli/output.h"
#include "nexusctl/yaml/codec_yaml.h"
#include "process/failpoint.h"
#include "process/secrecy.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>

enum { FILE_LIMIT = 4 * 1024 * 1024 };

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

bool usage_in(struct call *call, const char *word, struct err *err)
{
    call->verdict = EXIT_USAGE;
    return err_in(err, word);
}

// The user that runs nexusctl, from the system, because $USER can be set to anything.
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
            "this database does not have the schema of this version; run nexusctl migrate");
    return false;
}

bool call_ask(struct call *call, enum statement statement, const struct str *params, size_t count,
              struct str *answer, struct err *err)
{
    return call_try(call, statement, params, count, false, answer, err);
}

// An error of the database that begins with the name of an option ("after: …") is also wrong use.
static bool refused(struct call *call, struct err *err)
{
    struct str name, rule;

    for (size_t i = 0; i < call->given_count; i++)
        if (err->code == ERR_BAD_INPUT && str_cut(str_of(err->text), ':', &name, &rule) &&
            str_equal(name, str_of(call->given[i].option->name + strlen("--"))))
            return usage_set(call, err, "--%s", err->text);
    return false;
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
    return answered || refused(call, err);
}

bool call_answer(struct call *call, enum statement statement, const struct str *params,
                 size_t count, const struct json_view **view, struct err *err)
{
    struct str text;

    if (!call_ask(call, statement, params, count, &text, err) ||
        !answer_parse(text, call->arena, view, err))
        return false;
    if (call->json)
        buf_printf(&call->out, "%.*s\n", STR_ARG(text));
    return true;
}

void next_print(struct call *call, const struct json_view *page)
{
    struct str next = json_text(json_member(page, "next"));

    if (str_present(next))
        buf_printf(&call->out, "there are more: --after %.*s\n", STR_ARG(next));
}

bool call_list(struct call *call, enum statement statement, const struct str *params, size_t count,
               const struct listing *list, struct err *err)
{
    const struct json_view *page;

    if (!call_answer(call, statement, params, count, &page, err))
        return false;
    if (!call->json) {
        listing_print(list, page, call->arena, &call->out);
        next_print(call, page);
    }
    return true;
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
    // Not by its name in /dev, because the current user may not be allowed to open that again.
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
struct command_words {
    char **list;
    int count;
};

static bool is_among(struct command_words words, const char *option)
{
    for (int i = 0; i < words.count; i++)
        if (strcmp(words.list[i], option) == 0)
            return true;
    return false;
}

static bool json_is_wanted(struct command_words words)
{
    return is_among(words, "--json");
}

static bool words_parse(struct call *call, struct command_words words, struct err *err)
{
    return call_parse(call, (const char *const *)words.list, (size_t)words.count, err);
}

static run_fn *run_of(const struct call *call)
{
    const struct command *command = call->command;

    return call->verb ? call->verb->run : command->verbs ? command->verbs[0].run : command->run;
}

static bool call_run(struct call *call, struct command_words before, struct command_words after,
                     struct err *err)
{
    bool parsed = words_parse(call, before, err) && words_parse(call, after, err);

    if (!parsed) // --json may come after the fault
        call->json |= json_is_wanted(before) || json_is_wanted(after);
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

static int command_run(struct call *call, struct command_words before, struct command_words after)
{
    struct err err;

    call->arena = arena_new();
    bool ran = call_run(call, before, after, &err);
    if (!ran || !call_flush(call, &err)) {
        error_print(call, &err);
        // If the output could not be written, nobody saw the result of a dry run.
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

// No command was named: prints the error, if any, and the list of commands.
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
    return option_named(common_options, COMMON_OPTIONS, name);
}

// The place of the command's name: the first word that is neither an option nor its value. *unknown
// is an unknown option before it, or NULL.
static int command_place(int argc, char **argv, const char **unknown)
{
    int place = 1;

    *unknown = NULL;
    while (place < argc && argv[place][0] == '-') {
        const struct option *option =
            option_named(common_options, COMMON_OPTIONS, str_of(argv[place]));
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
        return command_run(&call, (struct command_words){argv + 1, place - 1},
                           (struct command_words){argv + named + 1, argc - named - 1});
    struct command_words words = {argv + 1, argc - 1};
    bool asked =
        named >= argc && !unknown && (help || is_among(words, "--help") || is_among(words, "-h"));
    call.json = json_is_wanted(words);
    return overview(&call, unknown, named < argc ? argv[named] : NULL, asked);
}
