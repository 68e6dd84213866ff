// command: the declaration of a subcommand of nexusctl, and the functions that it uses.
//
//   enum { FROM, TENANT };
//   static const struct option options[] = {
//       [FROM] = {"--from", NULL, "DAY", .rule = day_check, .doc = "First day, UTC."},
//       [TENANT] = {"--tenant", NULL, "CCID", .rule = uuid_check, .doc = "Only this contact center."},
//   };
//   const struct command ledger_command = {.name = "ledger", .options = options, …, .run = ledger};
//
// A command writes to call->out, which is printed when it ended well. Exit codes: 0 done, 1 failed
// (or the answer is "no": call->verdict), 2 used wrongly, 3 a dry run found something to do. Every
// command knows common_options.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "io/pg/pg_script.h"
#include "nexusctl/cli/table.h"
#include "store/statements.h"
#include "wire/json/codec_json.h"

#include <stdio.h>

typedef bool value_rule(struct str value, struct err *err);

// A value is a text without control characters, with further rules that its option declares. They
// are checked before the command runs: a value is never empty, a number is in its range, and so on.
struct option {
    const char *name;       // "--file"
    const char *short_name; // "-f", or NULL
    const char *value; // the name of its value in the help; in lower case the permitted values:
                       // "channel|tenant"; NULL: a flag
    const char *doc;
    const char *verb;         // the only verb that takes it; NULL: all
    value_rule *rule;         // for the value, or NULL
    int64_t minimum, maximum; // of a whole number; maximum 0: the value is not a number
    bool repeats;             // may be given more than once: option_next()
};

// A rule: the name of a file that can be read, or "-".
MUST_USE bool file_check(struct str value, struct err *err);
// A rule: a phone number or a mail domain.
MUST_USE bool address_check(struct str value, struct err *err);

// The options of every command; also allowed before its name.
enum common_option { COMMON_JSON, COMMON_PG, COMMON_CONFIG, COMMON_HELP, COMMON_OPTIONS };
extern const struct option common_options[COMMON_OPTIONS];

struct call;

typedef bool run_fn(struct call *call, struct err *err);

// A command may have verbs: "keys list", "keys create". The verb is its first word; without one the
// first verb of the table is used.
struct verb {
    const char *name;
    const char *summary;
    run_fn *run;
    size_t arguments_limit; // words after it
};

struct command {
    const char *name;
    const char *summary;  // one line
    const char *usage;    // what follows the name
    const char *manual;   // paragraphs of --help
    const char *examples; // commands to copy
    const struct option *options;
    size_t option_count;
    const struct verb *verbs;
    size_t verb_count;
    size_t arguments_limit; // words that are not options, if there are no verbs
    bool offline;           // needs no database: there is no --pg
    run_fn *run;            // if there are no verbs
};

struct command_settings { // of the environment
    struct str pg_url, pg_migration_url, key_pepper, key_encryption_key, log_key;
    bool webhook_https_only;
};

enum { GIVEN_LIMIT = 64, ARGUMENTS_LIMIT = 8 };
enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DIFFERS = 3 };

struct given {
    const struct option *option;
    struct str value;
};

struct call {
    const struct command *command;
    const struct verb *verb;               // NULL if the command has none
    const struct command *const *commands; // all commands, for the completion
    size_t command_count;
    struct arena *arena; // of the whole run
    struct command_settings settings;
    struct str pg_url;  // of --pg
    const char *config; // of --config, or NULL
    struct buf out;
    struct given given[GIVEN_LIMIT];
    size_t given_count;
    struct str arguments[ARGUMENTS_LIMIT];
    size_t argument_count;
    bool json, help;
    enum exit_code verdict;
};

// Reads the words after the command's name into call.
MUST_USE bool call_parse(struct call *call, const char *const *words, size_t count,
                         struct err *err);
// The option of a table with this name or short name, or NULL.
const struct option *option_named(const struct option *options, size_t count, struct str name);
// Does the command accept this one of common_options?
bool common_option_applies(const struct command *command, size_t option);
// "-f, --file FILE" and what it is, as help and manual write them.
void option_spell(const struct option *option, struct buf *out);
void option_describe(const struct option *option, struct buf *out);
// The manual page of a command, and of nexusctl as a whole.
void command_help(const struct command *command, struct buf *out);
void commands_help(const struct command *const *commands, size_t count, struct buf *out);

// Options by their place in the command's table.
bool option_given(const struct call *call, size_t option);
struct str option_text(const struct call *call, size_t option); // absent: not given
// Each value of an option that may be repeated: start with *cursor = 0.
bool option_next(const struct call *call, size_t option, size_t *cursor, struct str *value);
// The given number, or else the number in otherwise.
int64_t option_number(const struct call *call, size_t option, int64_t otherwise);
// The normal spelling of an address, as it is stored; absent: not given.
struct str option_address(struct call *call, size_t option);
// All values of an option that takes ids, in PostgreSQL's form of an array: "{id,id}"; absent if
// there are none.
struct str option_ids(struct call *call, size_t option);
// Checks that the time of the first option is not after that of the second; both have the same
// form.
MUST_USE bool options_ordered(struct call *call, size_t from, size_t to, struct err *err);

// For a run() that finds a usage error: sets exit code 2 and the error.
bool usage_set(struct call *call, struct err *err, const char *format, ...) PRINTF_LIKE(3, 4);
// The same for a word whose rule has set the error: "NUMBER: …".
bool usage_in(struct call *call, const char *word, struct err *err);

// Reads the settings of the file of --config, or else of the package's file; the environment
// overrides them.
#define CONFIG_INSTALLED "/etc/nexus/nexus.conf"
MUST_USE bool call_settings_load(struct call *call, struct err *err);
MUST_USE bool call_connect(struct call *call, struct pg_script **script, struct err *err);
// As the role for migrations: NEXUS_PG_MIGRATION_URL, if it is set.
MUST_USE bool call_connect_owner(struct call *call, struct pg_script **script, struct err *err);
// Sets the user of that connection for the audit log.
MUST_USE bool call_introduce(struct call *call, struct pg_script *script, struct err *err);
// A file's content, "-" for standard input; at most 4 MiB.
MUST_USE bool call_read(struct call *call, struct str path, struct str *content, struct err *err);
// Writes call->out, for an answer that is produced in parts; the rest is written after run().
// False: standard output cannot be written.
MUST_USE bool call_flush(struct call *call, struct err *err);
// One query on a connection of its own. A JSON answer has no blanks.
MUST_USE bool call_ask(struct call *call, enum statement statement, const struct str *params,
                       size_t count, struct str *answer, struct err *err);
// The same, with the answer parsed; with --json it is also printed.
MUST_USE bool call_answer(struct call *call, enum statement statement, const struct str *params,
                          size_t count, const struct json_view **view, struct err *err);
// The same for a list, or a page of a list: without --json it prints a table, and a hint how to get
// the next page.
MUST_USE bool call_list(struct call *call, enum statement statement, const struct str *params,
                        size_t count, const struct listing *list, struct err *err);
void next_print(struct call *call, const struct json_view *page);
// Like call_ask(), but a dry run is rolled back at once, so the answer is what the real run would
// do.
MUST_USE bool call_try(struct call *call, enum statement statement, const struct str *params,
                       size_t count, bool dry_run, struct str *answer, struct err *err);
// An answer of our own functions, which may be longer than the limit for JSON from clients.
MUST_USE bool answer_parse(struct str json, struct arena *arena, const struct json_view **view,
                           struct err *err);

// Finds the command, runs it, and prints its output; returns the exit code.
int nexusctl_run(const struct command *const *commands, size_t count, int argc, char **argv);
