// pg_error: from SQLSTATE to what the caller may conclude. Messages of PostgreSQL itself can quote
// data, so only the SQLSTATE and the name of a constraint get into the error's text.
#include "io/pg/pg_result.h"

#include "telemetry/log.h"

static const struct {
    struct str prefix;
    enum err_code code;
} classes[] = {
    {STR_INIT("NX208"), ERR_REPLAYED},
    {STR_INIT("NX400"), ERR_BAD_INPUT},
    {STR_INIT("NX403"), ERR_FORBIDDEN},
    {STR_INIT("NX404"), ERR_NOT_FOUND},
    {STR_INIT("NX409"), ERR_CONFLICT},
    {STR_INIT("NX412"), ERR_CHANGED_MEANWHILE},
    {STR_INIT("NX422"), ERR_KEY_REUSED},
    {STR_INIT("NX425"), ERR_STILL_RUNNING},
    {STR_INIT("40"), ERR_CONCURRENT},
    {STR_INIT("55P03"), ERR_LOCKED},
    {STR_INIT("26000"), ERR_CONCURRENT},
    {STR_INIT("22"), ERR_POISONED},
    {STR_INIT("23"), ERR_POISONED},
    {STR_INIT("53"), ERR_BUSY},
    {STR_INIT("57014"), ERR_BUSY},
    {STR_INIT("57P"), ERR_UNKNOWN_OUTCOME},
    {STR_INIT("08"), ERR_UNKNOWN_OUTCOME},
    {STR_INIT("25006"), ERR_UNAVAILABLE}, // read-only: a standby; nothing was written
};

void pg_error_read(const PGresult *failed, struct err *err)
{
    struct str state = str_of(PQresultErrorField(failed, PG_DIAG_SQLSTATE));
    const char *constraint = PQresultErrorField(failed, PG_DIAG_CONSTRAINT_NAME);

    if (!str_present(state)) { // libpq's own: the connection broke
        err_set(err, ERR_UNKNOWN_OUTCOME, "the connection to the database was lost");
        return;
    }
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        if (!str_starts(state, classes[i].prefix))
            continue;
        if (str_starts(state, STR("NX")))
            err_set(err, classes[i].code, "%s",
                    PQresultErrorField(failed, PG_DIAG_MESSAGE_PRIMARY));
        else
            err_set(err, classes[i].code, "SQLSTATE %.*s%s%s", STR_ARG(state),
                    constraint ? " " : "", constraint ? constraint : "");
        return;
    }
    err_set(err, ERR_INTERNAL, "SQLSTATE %.*s", STR_ARG(state));
}

void pg_error_state(const PGresult *failed, char state[PG_STATE_LENGTH + 1])
{
    const char *text = PQresultErrorField(failed, PG_DIAG_SQLSTATE);

    snprintf(state, PG_STATE_LENGTH + 1, "%s", text ? text : "08006");
}

void pg_refusal_text(const PGconn *libpq, struct buf *out)
{
    enum { LIMIT = 300 };
    struct str text = str_trim(str_of(PQerrorMessage(libpq)));

    for (size_t i = 0; i < text.len && i < LIMIT; i++)
        buf_byte(out, strchr("\n\t", text.ptr[i]) ? ' ' : (unsigned char)text.ptr[i]);
}

// Messages of these classes, about connections and the server itself, never quote data; others may.
static bool is_about_server(struct str state)
{
    return str_starts(state, STR("57P")) || str_starts(state, STR("08")) ||
           str_starts(state, STR("58"));
}

static void notice_log(void *context, const PGresult *notice)
{
    struct str state = str_of(PQresultErrorField(notice, PG_DIAG_SQLSTATE));
    struct str words = str_of(PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));

    bool *was_not_replicated = context;
    const char *function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);

    // The text of the warning is translated, and its SQLSTATE is that of any warning.
    if (was_not_replicated && function && strcmp(function, "SyncRepWaitForLSN") == 0)
        *was_not_replicated = true;
    LOG_WARN("pg.notice", LOG_STR("state", state),
             LOG_STR("text", is_about_server(state) ? words : STR_ABSENT));
}

void pg_notices_log(PGconn *libpq, bool *was_not_replicated)
{
    PQsetNoticeReceiver(libpq, notice_log, was_not_replicated);
}
