// tenant_delete: see the header.
//
// Without --yes it only counts. With it the contact center is closed in one transaction, then its
// rows are deleted in batches, one transaction each, and at last the contact center itself. After a
// crash it is still closed, and the same command continues.
#include "nexusctl/tenants/tenant_delete.h"

#include "base/clock.h"
#include "nexusctl/cli/output.h"
#include "process/failpoint.h"
#include "provisioning/rules.h"

enum { TRIES_LIMIT = 20 };

static const struct str batch_room = STR_INIT("2000");

struct deletion {
    struct call *call;
    struct pg_script *script;
    struct str tenant; // tenant.id
    int64_t all;       // rows that existed when this run began
    int64_t done;      // rows deleted by this run
    int64_t shown_ms;  // when progress was last shown
};

static bool ask(struct deletion *deletion, enum statement statement, const struct str *params,
                size_t count, struct str *answer, struct err *err)
{
    return pg_script_ask(deletion->script, statements[statement].sql, params, count,
                         deletion->call->arena, answer, err);
}

static int64_t rows_of(const struct json_view *object, const char *name)
{
    int64_t number = 0;

    (void)json_number(json_member(object, name), &number);
    return number;
}

// Counting.

static bool preview(struct deletion *deletion, struct str ccid, const struct json_view **view,
                    struct str *text, struct err *err)
{
    const struct json_view *kind;

    if (!ask(deletion, STATEMENT_TENANT_DELETE_PREVIEW, &ccid, 1, text, err) ||
        !answer_parse(*text, deletion->call->arena, view, err))
        return false;
    for (size_t i = 0; (kind = json_element(json_member(*view, "kinds"), i)) != NULL; i++)
        deletion->all += rows_of(kind, "rows");
    return true;
}

static void preview_print(const struct json_view *view, struct arena *arena, struct buf *out)
{
    static const struct column columns[] = {{"KIND", "kind", NULL}, {"ROWS", "rows", NULL}};
    static const struct listing list = {"kinds", columns, COUNT_OF(columns)};
    struct str begun = json_text(json_member(view, "deleting"));
    int64_t numbers = rows_of(view, "numbers"), audit = rows_of(view, "audit");

    buf_printf(out, "contact center %.*s, %.*s\n", STR_ARG(json_text(json_member(view, "ccid"))),
               STR_ARG(json_text(json_member(view, "name"))));
    listing_print(&list, view, arena, out);
    buf_printf(out, "%lld %s until %s old\n", (long long)audit,
               plural(audit, "entry of the audit log stays", "entries of the audit log stay"),
               plural(audit, "it is", "they are"));
    if (str_present(begun))
        buf_printf(out, "its deletion began at %.*s; --yes continues it\n", STR_ARG(begun));
    else if (numbers > 0)
        buf_printf(out, "numbers that can still receive texts: %lld; --yes needs --force too\n",
                   (long long)numbers);
    buf_printf(out, "nothing was done; --yes deletes all of this for good\n");
}

// Deleting.

static void progress(struct deletion *deletion)
{
    int64_t now_ms = clock_monotonic_ms();

    if (now_ms - deletion->shown_ms < 1000)
        return;
    deletion->shown_ms = now_ms;
    fprintf(stderr, "tenants delete: %lld of about %lld %s\n", (long long)deletion->done,
            (long long)deletion->all, plural(deletion->all, "row", "rows"));
}

// A worker that completes its work may hold a row.
static bool batch(struct deletion *deletion, struct str *answer, struct err *err)
{
    const struct str params[] = {deletion->tenant, batch_room};

    for (int tries = 1;
         !ask(deletion, STATEMENT_TENANT_DELETE_BATCH, params, COUNT_OF(params), answer, err);
         tries++)
        if (tries == TRIES_LIMIT || (err->code != ERR_CONCURRENT && err->code != ERR_LOCKED))
            return false;
    return true;
}

static bool pause_briefly(struct deletion *deletion, struct err *err)
{
    struct str none;

    return ask(deletion, STATEMENT_PAUSE, NULL, 0, &none, err);
}

static bool batches(struct deletion *deletion, struct err *err)
{
    struct str answer;

    while (batch(deletion, &answer, err)) {
        const struct json_view *gone;
        if (!str_present(answer))
            return true;
        if (!answer_parse(answer, deletion->call->arena, &gone, err))
            return false;
        deletion->done += rows_of(gone, "rows");
        progress(deletion);
        (void)failpoint("tenant_delete.after_batch");
        // The outcome of a request that was already sent is stored within its lease.
        if (rows_of(gone, "rows") == 0 && !pause_briefly(deletion, err))
            return false;
    }
    return false;
}

// Gateways learn within a second that its keys are invalid. Requests accepted until then write rows
// during the pause; the second pass finds those.
static bool delete_all(struct deletion *deletion, struct str ccid, struct err *err)
{
    struct call *call = deletion->call;
    const struct str begin[] = {ccid,
                                option_given(call, TENANTS_FORCE) ? STR("true") : STR("false")};
    struct str answer = STR_ABSENT;

    if (!ask(deletion, STATEMENT_TENANT_DELETE_BEGIN, begin, COUNT_OF(begin), &deletion->tenant,
             err))
        return false;
    (void)failpoint("tenant_delete.after_begin");
    while (!str_equal(answer, STR("t")))
        if (!pause_briefly(deletion, err) || !batches(deletion, err) ||
            !ask(deletion, STATEMENT_TENANT_DELETE_END, &deletion->tenant, 1, &answer, err))
            return false;
    return true;
}

static bool lock(struct deletion *deletion, struct err *err)
{
    struct str locked;

    if (!ask(deletion, STATEMENT_TENANT_DELETE_LOCK, NULL, 0, &locked, err))
        return false;
    return str_equal(locked, STR("t")) ||
           err_set(err, ERR_CONFLICT, "another contact center is being deleted right now");
}

static bool run(struct deletion *deletion, struct str ccid, struct err *err)
{
    struct call *call = deletion->call;
    const struct json_view *view;
    struct str text;

    if (!call_connect(call, &deletion->script, err) ||
        !call_introduce(call, deletion->script, err) || !preview(deletion, ccid, &view, &text, err))
        return false;
    if (!option_given(call, TENANTS_YES)) {
        call->verdict = EXIT_DIFFERS;
        if (call->json)
            buf_printf(&call->out, "%.*s\n", STR_ARG(text));
        else
            preview_print(view, call->arena, &call->out);
        return true;
    }
    if (!lock(deletion, err) || !delete_all(deletion, ccid, err))
        return false;
    if (call->json)
        buf_printf(&call->out, "{\"deleted\":%lld}\n", (long long)deletion->done);
    else
        buf_printf(&call->out, "deleted with %lld %s\n", (long long)deletion->done,
                   plural(deletion->done, "row", "rows"));
    return true;
}

bool tenants_delete(struct call *call, struct err *err)
{
    struct deletion deletion = {.call = call};

    if (call->argument_count != 1)
        return usage_set(call, err, "no contact center is named: give its CCID");
    if (!uuid_check(call->arguments[0], err))
        return usage_in(call, "CCID", err);
    bool done = run(&deletion, call->arguments[0], err);
    pg_script_close(&deletion.script);
    return done;
}
