// migrate: brings the database to the schema this binary was built for.
//
// Forward only. Everything that is missing is done in one transaction: migrations with their rows
// in schema_migration, functions and grants, which are written again when the text of any has
// changed, and the rows that each role sees. So old and new workers see the database either as
// before or as afterwards, also if the migration is killed. A session lock prevents two migrations
// at once; the second one finds everything done.
//
// Locks on tables are waited for only briefly and the transaction is tried again, because writers
// of a table wait behind us. A step that cannot run in a transaction, such as building an index
// concurrently, must be separate, and every version of the functions must work without it.
//
// The role that logged in creates the roles, if it is allowed to, and hands over objects of other
// owners; everything after that is done as nexus_owner.
#include "base/clock.h"
#include "base/panic.h"
#include "nexusctl/cli/output.h"
#include "nexusctl/commands.h"
#include "nexusctl/schema/sql_files.h"
#include "store/statements.h"

enum { PATIENCE_MS = 60000 };

struct migration {
    struct pg_script *script;
    struct arena *arena;
    size_t before;    // the version the database was at
    size_t functions; // files written again
};

static bool ask(struct migration *migration, enum statement statement, const struct str *params,
                size_t count, struct str *answer, struct err *err)
{
    return pg_script_ask(migration->script, statements[statement].sql, params, count,
                         migration->arena, answer, err);
}

// Migrations are numbered 1, 2, 3… without a gap, so the version of a file is its place in the
// list.
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

static bool file_run(struct migration *migration, const struct sql_file *file, struct err *err)
{
    return pg_script_run(migration->script, file->text, err) || err_in(err, file->name);
}

// Running workers may hold locks that we need, or wait for locks that we hold. They continue during
// the pause.
static bool try_again(struct migration *migration, int64_t until_ms, struct err *err)
{
    if (err->code != ERR_CONCURRENT && err->code != ERR_LOCKED)
        return false;
    if (clock_monotonic_ms() > until_ms) {
        struct err last = *err;
        return err_set(
            err, last.code,
            "other programs held the tables for a minute; nothing was changed, run it again (%s)",
            last.text);
    }
    return pg_script_run(migration->script, "select pg_sleep(0.2)", err);
}

typedef bool attempt_fn(struct migration *migration, struct err *err);

static bool attempt(struct migration *migration, attempt_fn *once, struct err *err)
{
    int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;

    while (!once(migration, err))
        if (!try_again(migration, until_ms, err))
            return false;
    return true;
}

static bool file_apply(struct migration *migration, size_t index, struct err *err)
{
    const struct sql_file *file = &sql_migrations[index];
    const struct str row[] = {version_text(migration->arena, index), str_of(file->name),
                              str_of(file->checksum)};
    struct str none;

    return file_run(migration, file, err) &&
           ask(migration, STATEMENT_SCHEMA_MIGRATED, row, COUNT_OF(row), &none, err);
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

    return file_run(migration, file, err) &&
           ask(migration, STATEMENT_SCHEMA_FUNCTION_WRITTEN, row, COUNT_OF(row), &none, err);
}

// Functions may call each other across files, so their bodies are not checked while they are
// written. Those of schema.sql are written once more, so that they count as declared.
static bool functions_write(struct migration *migration, struct err *err)
{
    if (!pg_script_run(migration->script,
                       "set local check_function_bodies = off; select schema_functions_rewrite()",
                       err) ||
        !pg_script_run(migration->script, sql_schema[0].text, err))
        return false;
    for (size_t i = 0; i < sql_functions_count; i++)
        if (!function_write(migration, &sql_functions[i], str_of(sql_functions[i].name), err))
            return false;
    migration->functions = sql_functions_count;
    if (!file_run(migration, &sql_undeclared[0], err))
        return false;
    // After all functions, and its name also sorts after theirs.
    return function_write(migration, &sql_grants[0], STR("~grants"), err);
}

static bool missing_apply(struct migration *migration, struct err *err)
{
    if (migration->before == sql_migrations_count)
        return true;
    if (!file_run(migration, &sql_take_tables[0], err))
        return false;
    for (size_t i = migration->before; i < sql_migrations_count; i++)
        if (!file_apply(migration, i, err))
            return false;
    return true;
}

// Statements of others are cancelled as the role that logged in, which may have the permission.
static bool way_make(struct migration *migration, struct err *err)
{
    return pg_script_run(migration->script, "reset role", err) &&
           file_run(migration, &sql_make_way[0], err) &&
           pg_script_run(migration->script, "commit; set role nexus_owner", err);
}

static bool all_apply_once(struct migration *migration, struct err *err)
{
    bool same = false;

    return pg_script_run(migration->script, "begin", err) && missing_apply(migration, err) &&
           functions_same(migration, &same, err) && (same || functions_write(migration, err)) &&
           file_run(migration, &sql_row_security[0], err) &&
           pg_script_run(migration->script, "select upkeep_partitions_ahead()", err) &&
           way_make(migration, err);
}

// A crash anywhere in it leaves the database as it was. Partitions are created before the first row
// of a new database, because a day that starts in a default partition stays there.
static bool all_apply(struct migration *migration, struct err *err)
{
    struct err failed;

    if (all_apply_once(migration, err))
        return true;
    (void)!pg_script_run(migration->script, "rollback", &failed);
    return false;
}

// Each object is a transaction of its own; objects already done are skipped.
static bool ownership_take(struct migration *migration, struct err *err)
{
    return file_run(migration, &sql_ownership[0], err);
}

static bool owner_become(struct migration *migration, struct err *err)
{
    return pg_script_run(migration->script,
                         "set search_path = public, pg_temp; set lock_timeout = '500ms'", err) &&
           pg_script_run(migration->script, sql_roles[0].text, err) &&
           attempt(migration, ownership_take, err) &&
           pg_script_run(migration->script, "set role nexus_owner", err);
}

static bool migrate_all(struct migration *migration, struct err *err)
{
    if (!pg_script_run(migration->script, "select pg_advisory_lock(hashtext('nexus.migrate'))",
                       err) ||
        !owner_become(migration, err) ||
        !pg_script_run(migration->script, sql_schema[0].text, err) || !version_read(migration, err))
        return false;
    for (size_t i = 0; i < migration->before; i++)
        if (!applied_check(migration, i, err))
            return false;
    return attempt(migration, all_apply, err);
}

static void report(const struct migration *migration, struct call *call)
{
    size_t applied = sql_migrations_count - migration->before;

    if (!call->json) {
        buf_printf(&call->out, "schema version %zu: %zu %s applied, %zu function %s written\n",
                   sql_migrations_count, applied,
                   plural((int64_t)applied, "migration", "migrations"), migration->functions,
                   plural((int64_t)migration->functions, "file", "files"));
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
    [ROLES] = {"--roles", NULL, NULL, .doc = "Print the SQL that makes the roles, and do nothing."},
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
    pg_script_close(&migration.script); // rolls back an open transaction, and releases the lock
    if (done)
        report(&migration, call);
    return done;
}

const struct command migrate_command = {
    .name = "migrate",
    .summary = "upgrade the database to the schema of this version",
    .usage = "[--roles] [--json]",
    .manual =
        "Applies the migrations that the database does not have yet, in order, and writes\n"
        "changed SQL functions again, all in one transaction. It may run at every start, and\n"
        "while the workers run: if another program holds a table, it waits for half a second at\n"
        "a time, for up to a minute. It refuses if the database is newer than this binary, or\n"
        "if a migration was edited after it had been applied.\n"
        "\n"
        "The role nexus_owner owns everything that it makes. Workers and the other commands log\n"
        "in as nexus_worker or a member of it, which owns nothing. The login of migrate must be\n"
        "a superuser, or a member of nexus_owner if the roles exist already: --roles prints the\n"
        "SQL with which an administrator of PostgreSQL makes them. The administrator also makes\n"
        "logins and passwords. nexus_owner becomes the owner of objects that belonged to the\n"
        "user of an older version.",
    .examples = "  nexusctl migrate --pg 'host=db dbname=nexus user=nexus_migration'\n"
                "  nexusctl migrate --roles | psql 'host=db dbname=nexus user=postgres'",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = migrate,
};
