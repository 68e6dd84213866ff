// pg_script: libpq's synchronous calls.
#include "io/pg/pg_script.h"

#include "base/buf.h"
#include "base/heap.h"
#include "base/panic.h"
#include "io/pg/pg.h"
#include "io/pg/pg_result.h"

#include <libpq-fe.h>
#include <stdlib.h>

enum { PARAMS_LIMIT = 16 };

struct pg_script {
    PGconn *libpq;
};

// libpq ends its texts in a newline.
static struct str line_of(const char *text)
{
    struct str head, tail;

    str_cut(str_trim(str_of(text)), '\n', &head, &tail);
    return head;
}

bool pg_script_open(const char *url, const char *application, struct pg_script **script,
                    struct err *err)
{
    if (!pg_url_check(str_of(url), err))
        return false;
    const char *names[] = {"dbname",          "application_name", "connect_timeout",
                           "client_encoding", "options",          NULL};
    const char *values[] = {
        url, application, "10", "UTF8", "-c timezone=UTC -c client_min_messages=warning", NULL};
    PGconn *libpq = PQconnectdbParams(names, values, 1);

    if (PQstatus(libpq) != CONNECTION_OK) {
        err_set(err, ERR_UNAVAILABLE, "%.*s", STR_ARG(line_of(PQerrorMessage(libpq))));
        PQfinish(libpq);
        return false;
    }
    *script = heap_raw(sizeof **script);
    **script = (struct pg_script){.libpq = libpq};
    return true;
}

void pg_script_close(struct pg_script **script)
{
    if (!*script)
        return;
    PQfinish((*script)->libpq);
    free(*script);
    *script = NULL;
}

static bool result_check(const PGresult *result, struct err *err)
{
    ExecStatusType status = PQresultStatus(result);
    struct err mapped;

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
        return true;
    pg_error_read(result, &mapped);
    if (mapped.code == ERR_NOT_FOUND || mapped.code == ERR_CONFLICT || mapped.code == ERR_BAD_INPUT)
        *err = mapped; // our own SQL's words
    else
        err_set(err, mapped.code, "%s: %.*s", mapped.text,
                STR_ARG(line_of(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY))));
    return false;
}

bool pg_script_run(struct pg_script *script, const char *sql, struct err *err)
{
    PGresult *result = PQexec(script->libpq, sql);
    bool done = result_check(result, err);

    PQclear(result);
    return done;
}

bool pg_script_ask(struct pg_script *script, const char *sql, const struct str *params,
                   size_t count, struct arena *arena, struct str *answer, struct err *err)
{
    const char *values[PARAMS_LIMIT];

    ASSERT(count <= PARAMS_LIMIT);
    for (size_t i = 0; i < count; i++)
        values[i] = str_present(params[i]) ? arena_c_string(arena, params[i]) : NULL;
    PGresult *result = PQexecParams(script->libpq, sql, (int)count, NULL, values, NULL, NULL, 0);
    bool done = result_check(result, err);
    if (done) {
        bool none = PQntuples(result) == 0 || PQgetisnull(result, 0, 0);
        *answer = none ? STR_ABSENT
                       : arena_copy(arena, str_make(PQgetvalue(result, 0, 0),
                                                    (size_t)PQgetlength(result, 0, 0)));
    }
    PQclear(result);
    return done;
}
