// migrate: brings the database to the schema this binary was built for.
//
// Forward only. Each migration is one transaction that also writes its row into schema_migration,
// so a crash leaves the database at one migration or the next, never between. Functions, views and
// grants are not migrated but written anew, all in one transaction, when the text of any has
// changed. A lock of the session keeps two from migrating at once; the second finds everything done.
//
// Whoever logged in makes the roles, where that is allowed, and hands over what belongs to anybody
// else; all that follows is done as nexus_owner.
#include "base/panic.h"
#include "nexusctl/commands.h"
#include "nexusctl/sql_files.h"
#include "store/statements.h"

enum { TRIES_LIMIT = 8 };

struct migration {
    struct pg_script *script;
    struct arena *arena;
    size_t before;    // the version the database was at
    size_t functions; // files written anew
};

static bool ask(struct migration *migration, enum statement statement, const struct str *params,
                size_t count, struct str *answer, struct err *err)
{
    return pg_script_ask(migration->script, statements[statement].sql, params, count,
                         migration->arena, answer, err);
}

// Migrations are numbered 1, 2, 3… without a gap, so a file's place is its version.
static struct str version_text(struct arena *arena, size_t index)
{
    struct str text = arena_printf(arena, "%zu", index + 1);

    ASSERT(str_starts(arena_printf(arena, "%s", sql_migrations[index].name),
                      arena_printf(arena, "%04zu_", index + 1)));
    return text;
}

static bool version_read(struct migration *migration, struct err *err)
{
    struct str answer;
    int64_t version = 0;

    if (!ask(migration, STATEMENT_SCHEMA_VERSION, NULL, 0, &answer, err))
        return false;
    if (!str_to_int(answer, 0, INT32_MAX, &version))
        return err_set(err, ERR_INTERNAL, "schema_migration: no version");
    if ((size_t)version > sql_migrations_count)
        return err_set(err, ERR_CONFLICT,
                       "the database is at version %lld, newer than this nexusctl knows (%zu)",
                       (long long)version, sql_migrations_count);
    migration->before = (size_t)version;
    return true;
}

static bool applied_check(struct migration *migration, size_t index, struct err *err)
{
    const struct sql_file *file = &sql_migrations[index];
    struct str version = version_text(migration->arena, index), checksum;

    if (!ask(migration, STATEMENT_SCHEMA_CHECKSUM, &version, 1, &checksum, err))
        return false;
    if (!str_present(checksum))
        return err_set(err, ERR_CONFLICT, "%s was never applied, but later ones were", file->name);
    if (!str_equal(checksum, str_of(file->checksum)))
        return err_set(err, ERR_CONFLICT,
                       "%s was changed after it was applied; write a new migration instead",
                       file->name);
    return true;
}

// Workers that go on may hold what we want and want what we hold, or for longer than we wait.
static bool is_worth_a_try(const struct err *err, int tries)
{
    return err->code == ERR_CONCURRENT && tries < TRIES_LIMIT;
}

// A statement whose transactions are its own, and which goes on where it was.
static bool steps_run(struct migration *migration, const struct sql_file *file, struct err *err)
{
    for (int tries = 1; !pg_script_run(migration->script, file->text, err); tries++)
        if (!is_worth_a_try(err, tries))
            return err_in(err, file->name);
    return true;
}

static bool file_apply_once(struct migration *migration, size_t index, struct err *err)
{
    const struct sql_file *file = &sql_migrations[index];
    const struct str row[] = {version_text(migration->arena, index), str_of(file->name),
                              str_of(file->checksum)};
    struct str none;

    return pg_script_run(migration->script, "begin", err) &&
           pg_script_run(migration->script, file->text, err) &&
           ask(migration, STATEMENT_SCHEMA_MIGRATED, row, COUNT_OF(row), &none, err) &&
           pg_script_run(migration->script, "commit", err);
}

static bool file_apply(struct migration *migration, size_t index, struct err *err)
{
    struct err undone;

    for (int tries = 1; !file_apply_once(migration, index, err); tries++)
        if (!is_worth_a_try(err, tries) || !pg_script_run(migration->script, "rollback", &undone))
            return err_in(err, sql_migrations[index].name);
    return true;
}

static bool functions_same(struct migration *migration, bool *same, struct err *err)
{
    AUTO(buf) ours = {0};
    struct str theirs;

    for (size_t i = 0; i < sql_functions_count; i++)
        buf_printf(&ours, "%s %s\n", sql_functions[i].name, sql_functions[i].checksum);
    buf_printf(&ours, "~%s %s\n", sql_grants[0].name, sql_grants[0].checksum);
    if (!ask(migration, STATEMENT_SCHEMA_FUNCTIONS, NULL, 0, &theirs, err))
        return false;
    *same = str_equal(buf_str(&ours), theirs);
    return true;
}

static bool function_write(struct migration *migration, const struct sql_file *file,
                           struct str name, struct err *err)
{
    const struct str row[] = {name, str_of(file->checksum)};
    struct str none;

    if (pg_script_run(migration->script, file->text, err) &&
        ask(migration, STATEMENT_SCHEMA_FUNCTION_WRITTEN, row, COUNT_OF(row), &none, err))
        return true;
    return err_in(err, file->name);
}

// Functions may call each other across files, so their bodies are not looked into while they are
// written.
static bool functions_write(struct migration *migration, struct err *err)
{
    if (!pg_script_run(migration->script,
                       "begin; set local check_function_bodies = off; "
                       "select schema_functions_forget()",
                       err))
        return false;
    for (size_t i = 0; i < sql_functions_count; i++)
        if (!function_write(migration, &sql_functions[i], str_of(sql_functions[i].name), err))
            return false;
    // Behind all of them, in the list of names, too.
    if (!function_write(migration, &sql_grants[0], STR("~grants"), err))
        return false;
    migration->functions = sql_functions_count;
    return pg_script_run(migration->script, "commit", err);
}

// A lock of a table is not waited for any longer, for whoever writes to it waits behind us.
static bool owner_become(struct migration *migration, struct err *err)
{
    return pg_script_run(migration->script,
                         "set search_path = public, pg_temp; set lock_timeout = '10s'", err) &&
           pg_script_run(migration->script, sql_roles[0].text, err) &&
           steps_run(migration, &sql_ownership[0], err) &&
           pg_script_run(migration->script, "set role nexus_owner", err);
}

static bool migrate_all(struct migration *migration, struct err *err)
{
    bool same = false;

    if (!pg_script_run(migration->script, "select pg_advisory_lock(hashtext('nexus.migrate'))",
                       err) ||
        !owner_become(migration, err) ||
        !pg_script_run(migration->script, sql_schema[0].text, err) || !version_read(migration, err))
        return false;
    for (size_t i = 0; i < sql_migrations_count; i++)
        if (!(i < migration->before ? applied_check(migration, i, err)
                                    : file_apply(migration, i, err)))
            return false;
    if (!functions_same(migration, &same, err) || (!same && !functions_write(migration, err)) ||
        !steps_run(migration, &sql_row_security[0], err))
        return false;
    // Before the first row of a new database: a day that starts in a default partition stays there.
    return pg_script_run(migration->script, "select upkeep_partitions_ahead()", err);
}

static void report(const struct migration *migration, struct call *call)
{
    size_t applied = sql_migrations_count - migration->before;

    if (!call->json) {
        buf_printf(&call->out,
                   "schema version %zu: %zu migrations applied, %zu function files written\n",
                   sql_migrations_count, applied, migration->functions);
        return;
    }
    json_open(&call->out, '{');
    json_key_int(&call->out, "version", (int64_t)sql_migrations_count);
    json_key_int(&call->out, "applied", (int64_t)applied);
    json_key_int(&call->out, "functions", (int64_t)migration->functions);
    json_close(&call->out, '}');
    buf_byte(&call->out, '\n');
}

enum { ROLES };
static const struct option options[] = {
    [ROLES] = {"--roles", NULL, NULL, "Print the SQL that makes the roles, and do nothing."},
};

static bool migrate(struct call *call, struct err *err)
{
    struct migration migration = {.arena = call->arena};

    if (option_given(call, ROLES)) {
        buf_str_append(&call->out, str_of(sql_roles[0].text));
        return true;
    }
    if (!call_connect_owner(call, &migration.script, err))
        return false;
    bool done = migrate_all(&migration, err);
    pg_script_close(&migration.script); // rolls back what is open, and gives the lock back
    if (done)
        report(&migration, call);
    return done;
}

const struct command migrate_command = {
    .name = "migrate",
    .summary = "bring the database to this version's schema",
    .usage = "[--roles] [--json]",
    .manual =
        "Applies the migrations that the database does not have yet, in order, each in one\n"
        "transaction, then writes SQL functions anew where they changed. Safe to run at every\n"
        "start, and while the workers run. Refuses when the database is newer than this binary\n"
        "or when a migration was edited after it had been applied.\n"
        "\n"
        "All that it makes belongs to the role nexus_owner; workers and the other commands log in\n"
        "as nexus_worker or a member of it, which owns nothing. Who migrates is a superuser, or a\n"
        "member of nexus_owner where the roles are there already: --roles prints the SQL with "
        "which\n"
        "an administrator of PostgreSQL makes them. Logins and passwords are the administrator's.\n"
        "What belonged to the user of an older version goes to nexus_owner.",
    .examples = "  nexusctl migrate --pg 'host=db dbname=nexus user=nexus_migration'\n"
                "  nexusctl migrate --roles | psql 'host=db dbname=nexus user=postgres'",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = migrate,
};
