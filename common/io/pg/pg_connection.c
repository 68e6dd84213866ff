// pg_connection: see the header.
#include "io/pg/pg_connection.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "telemetry/log.h"

#include <stdlib.h>

enum {
    BACKOFF_FIRST_MS = 100,
    BACKOFF_LAST_MS = 2000,
    CONNECT_LIMIT_MS = 5000,
    STATEMENT_LIMIT_S = 5,
    // The server cancels a statement that takes longer than its limit; a server that does not even
    // do that is stopped or unreachable.
    SILENCE_PATIENCE_MS = 2000,
};

// Plans are made once, perhaps while the tables are still empty, and must be right when they are
// full: no scan of a whole table where an index serves.
static const char session_options[] =
    "-c statement_timeout=%us -c lock_timeout=2s -c idle_in_transaction_session_timeout=10s "
    "-c synchronous_commit=on -c jit=off -c timezone=UTC "
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c random_page_cost=1.1";
// Only a server that keeps what it commits is used.
static const char durability_check[] =
    "select current_setting('fsync') = 'on' and current_setting('full_page_writes') = 'on'";

static void connection_open(struct pg_connection *connection);

static void connection_ready(struct pg_connection *connection)
{
    struct pg *pg = connection->pg;

    connection->state = PG_READY;
    connection->since_ms = clock_monotonic_ms();
    connection->backoff_ms = BACKOFF_FIRST_MS;
    pg->connected++;
    pg->writes.read_only = false; // only one that lets us write is taken (target_session_attrs)
    if (pg->connected == 1)
        pg->writes.committed_ms = connection->since_ms;
    if (pg->connected == 1 && pg->options.changed)
        pg->options.changed(pg->options.context, true);
}

static void pipeline_enter(struct pg_connection *connection)
{
    if (!PQenterPipelineMode(connection->libpq))
        pg_connection_lost(connection, "cannot enter pipeline mode");
    else
        connection_ready(connection);
}

// Two statements, one after the other. First the server process of the connection before is ended:
// it may hang for hours, for example because it waits for a synchronous standby, and each attempt
// would leave another one, until the server takes no more connections.
static void introduce(struct pg_connection *connection)
{
    const struct pg_introduction *ours = &connection->pg->options.introduction;
    char left[16];
    const char *const left_params[] = {left};
    int sent = 1;

    connection->state = PG_INTRODUCING;
    if (ours->replace_sql && connection->left_pid) {
        snprintf(left, sizeof left, "%d", connection->left_pid);
        connection->left_pid = 0;
        sent = PQsendQueryParams(connection->libpq, ours->replace_sql, COUNT_OF(left_params), NULL,
                                 left_params, NULL, NULL, 0);
    } else if (ours->sql && !connection->is_introduced) {
        connection->is_introduced = true;
        sent = PQsendQueryParams(connection->libpq, ours->sql, PG_INTRODUCTION_PARAMS, NULL,
                                 ours->params, NULL, NULL, 0);
    } else {
        pipeline_enter(connection);
    }
    if (!sent)
        pg_connection_lost(connection, "cannot use the new connection");
}

static void introduction_read(struct pg_connection *connection)
{
    while (!PQisBusy(connection->libpq)) {
        PGresult *rows = PQgetResult(connection->libpq);
        if (!rows) {
            introduce(connection); // the next step
            return;
        }
        if (PQresultStatus(rows) != PGRES_TUPLES_OK)
            LOG_WARN("pg.not_introduced",
                     LOG_STR("why", str_of(PQresultErrorField(rows, PG_DIAG_SQLSTATE))));
        PQclear(rows);
    }
}

// The answer to the durability check, still outside of pipeline mode.
static void check_read(struct pg_connection *connection)
{
    while (!PQisBusy(connection->libpq)) {
        PGresult *rows = PQgetResult(connection->libpq);
        if (!rows) {
            introduce(connection);
            return;
        }
        bool durable = PQresultStatus(rows) == PGRES_TUPLES_OK && PQgetvalue(rows, 0, 0)[0] == 't';
        PQclear(rows);
        if (!durable) {
            pg_connection_lost(connection, "PostgreSQL runs with fsync or full_page_writes off: "
                                           "committed data could be lost, so it is not used");
            return;
        }
    }
}

static void connection_event(uv_poll_t *poll, int status, int events);

static void watch_free(uv_handle_t *handle)
{
    free(handle);
}

static void watch_close(struct pg_connection *connection)
{
    if (connection->watch)
        uv_close((uv_handle_t *)connection->watch, watch_free);
    connection->watch = NULL;
}

static void watch_for(struct pg_connection *connection, int events)
{
    if (!connection->watch) {
        connection->watch = heap_raw(sizeof *connection->watch);
        if (uv_poll_init(connection->pg->loop, connection->watch, PQsocket(connection->libpq)) !=
            0) {
            free(connection->watch); // out of descriptors: silence_watch() ends this attempt
            connection->watch = NULL;
            return;
        }
        connection->watch->data = connection;
    }
    uv_poll_start(connection->watch, events, connection_event);
}

static void breakage_found(uv_timer_t *timer)
{
    pg_connection_lost(timer->data, "connection lost");
}

// Watches for writability only while libpq has bytes that it could not send. Sending may find the
// connection broken, and then libpq has closed its socket: no event would report it, and libuv
// aborts the process for a watch on a closed descriptor. So the loss is reported from the loop, by
// the timer that is unused until then.
void pg_connection_poll(struct pg_connection *connection)
{
    bool is_full = PQflush(connection->libpq) == 1;

    if (PQstatus(connection->libpq) != CONNECTION_OK || PQsocket(connection->libpq) < 0) {
        watch_close(connection);
        uv_timer_start(&connection->retry, breakage_found, 0, 0);
        return;
    }
    watch_for(connection, UV_READABLE | (is_full ? UV_WRITABLE : 0));
}

static void connection_refused(struct pg_connection *connection)
{
    AUTO(buf) why = {0};

    pg_refusal_text(connection->libpq, &why);
    connection->pg->writes.read_only = memmem(why.data, why.len, "read-only", 9) != NULL;
    pg_connection_lost(connection, buf_c_string(&why));
}

// One step of connecting. libpq may move on to another address and so to another socket: the watch
// is closed before each step and opened anew on the socket that is current after it.
static void connection_advance(struct pg_connection *connection)
{
    watch_close(connection);
    switch (PQconnectPoll(connection->libpq)) {
    case PGRES_POLLING_OK:
        connection->state = PG_CHECKING;
        if (PQsetnonblocking(connection->libpq, 1) != 0 ||
            !PQsendQuery(connection->libpq, durability_check))
            pg_connection_lost(connection, "cannot use the new connection");
        else
            pg_connection_poll(connection);
        return;
    case PGRES_POLLING_FAILED: connection_refused(connection); return;
    case PGRES_POLLING_READING: watch_for(connection, UV_READABLE); return;
    case PGRES_POLLING_WRITING:
    case PGRES_POLLING_ACTIVE: watch_for(connection, UV_WRITABLE); return;
    }
}

void pg_leave_read_only(struct pg *pg)
{
    pg->writes.read_only = true;
    for (unsigned i = 0; i < pg->options.connections; i++)
        if (pg->connections[i].state == PG_READY)
            pg_connection_lost(&pg->connections[i], "PostgreSQL takes no writes");
}

static void connection_event(uv_poll_t *poll, int status, int events)
{
    struct pg_connection *connection = poll->data;

    (void)events;
    if (connection->state == PG_CONNECTING) {
        connection_advance(connection);
        return;
    }
    if (status < 0 || !PQconsumeInput(connection->libpq)) {
        pg_connection_lost(connection, "connection lost");
        return;
    }
    if (connection->state == PG_CHECKING)
        check_read(connection);
    else if (connection->state == PG_INTRODUCING)
        introduction_read(connection);
    else
        pg_results_read(connection);
    if (connection->state == PG_DISCONNECTED)
        return;
    if (connection->refuses_writes) {
        pg_leave_read_only(connection->pg);
        return;
    }
    if (PQstatus(connection->libpq) != CONNECTION_OK)
        pg_connection_lost(connection, "connection lost");
    else
        pg_connection_poll(connection);
}

static void connection_retry(uv_timer_t *timer)
{
    connection_open(timer->data);
}

// Ends a connection: what was in flight has an unknown outcome, and another attempt is made later.
void pg_connection_lost(struct pg_connection *connection, const char *why)
{
    struct pg *pg = connection->pg;
    bool was_ready = connection->state == PG_READY;

    if (connection->state == PG_DISCONNECTED)
        return;
    if (!pg->closing)
        LOG_WARN("pg.disconnected", LOG_STR("why", str_of(why)),
                 LOG_INT("inFlight", connection->call_count));
    connection->state = PG_DISCONNECTED;
    int pid = PQbackendPID(connection->libpq);
    if (pid != 0) // else it was not connected yet
        connection->left_pid = pid;
    memset(connection->prepared, 0, pg->statement_count * sizeof *connection->prepared);
    watch_close(connection);
    PQfinish(connection->libpq);
    connection->libpq = NULL;
    pg->connected -= was_ready;
    if (!pg->closing) {
        uv_timer_start(&connection->retry, connection_retry, connection->backoff_ms, 0);
        connection->backoff_ms = connection->backoff_ms * 2 < BACKOFF_LAST_MS
                                     ? connection->backoff_ms * 2
                                     : BACKOFF_LAST_MS;
    }
    // Last, because the callbacks may call pg_call() again.
    while (!list_is_empty(&connection->calls)) {
        struct pg_call *call = LIST_FIRST(&connection->calls, struct pg_call, link);
        call->failed = true;
        memcpy(call->state, "08006", sizeof call->state);
        err_set(&call->err, ERR_UNKNOWN_OUTCOME, "the connection to the database was lost");
        pg_call_pop(connection);
    }
    if (was_ready && pg->connected == 0 && pg->options.changed)
        pg->options.changed(pg->options.context, false);
}

static unsigned statement_limit_s(const struct pg *pg)
{
    return pg->options.statement_limit_s ? pg->options.statement_limit_s : STATEMENT_LIMIT_S;
}

static void connection_open(struct pg_connection *connection)
{
    const struct pg_options *options = &connection->pg->options;
    AUTO(buf) session = {0};
    buf_printf(&session, session_options, statement_limit_s(connection->pg));
    const char *const names[] = {"dbname",           "application_name",     "options",
                                 "tcp_user_timeout", "keepalives_idle",      "keepalives_interval",
                                 "keepalives_count", "target_session_attrs", NULL};
    const char *const values[] = {options->url,
                                  options->application,
                                  buf_c_string(&session),
                                  "5000",
                                  "5",
                                  "3",
                                  "3",
                                  "read-write",
                                  NULL};

    connection->state = PG_CONNECTING;
    connection->refuses_writes = connection->was_not_replicated = false;
    connection->is_introduced = false;
    connection->since_ms = clock_monotonic_ms();
    connection->libpq = PQconnectStartParams(names, values, 1);
    if (!connection->libpq)
        panic("out of memory");
    pg_notices_log(connection->libpq, &connection->was_not_replicated);
    if (PQstatus(connection->libpq) == CONNECTION_BAD)
        connection_refused(connection);
    else
        watch_for(connection, UV_WRITABLE);
}

// Finds servers that accept a connection and then send nothing, which no event reports.
void pg_connection_watch_silence(struct pg_connection *connection, int64_t now_ms)
{
    bool connecting = connection->state > PG_DISCONNECTED && connection->state < PG_READY;

    if (connecting && now_ms - connection->since_ms > CONNECT_LIMIT_MS)
        pg_connection_lost(connection, "no answer while connecting");
    if (connection->state != PG_READY || list_is_empty(&connection->calls))
        return;
    struct pg_call *oldest = LIST_FIRST(&connection->calls, struct pg_call, link);
    int64_t sent_ms = oldest->sent_us / 1000;
    int64_t since = sent_ms > connection->since_ms ? sent_ms : connection->since_ms;
    if (now_ms - since > (int64_t)statement_limit_s(connection->pg) * 1000 + SILENCE_PATIENCE_MS) {
        connection->pg->writes.hung_ms = now_ms;
        pg_connection_lost(connection, "the database does not answer");
    }
}

void pg_connection_start(struct pg_connection *connection, struct pg *pg)
{
    connection->pg = pg;
    connection->backoff_ms = BACKOFF_FIRST_MS;
    list_init(&connection->calls);
    uv_timer_init(pg->loop, &connection->retry);
    connection->retry.data = connection;
    connection_open(connection);
}
