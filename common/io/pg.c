// pg: a pool of libpq connections in pipeline mode on a libuv loop.
//
// Each call is [Parse] Bind Execute Sync; one of several steps has more of the first three, the
// Parses in front, so that what an earlier step stops is prepared all the same, and for the role
// that logged in. libpq reports its results in order and a PGRES_PIPELINE_SYNC when the server said ReadyForQuery; only then is the transaction's fate
// known, and only then does the callback run. A mirror list of calls stands beside libpq's own
// queue. Statements are prepared at their first use on a connection.
#include "io/pg.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/panic.h"
#include "io/pg_result.h"

#include <stdlib.h>

enum {
    CONNECTIONS_LIMIT = 16,
    BACKOFF_FIRST_MS = 100,
    BACKOFF_LAST_MS = 2000,
    CONNECT_LIMIT_MS = 5000,
    // The server gives up after 5 s; a server that does not even do that is frozen or cut off.
    SILENCE_LIMIT_MS = 7000,
    WATCH_MS = 500,
};

// Plans are made once, perhaps while the tables are still empty, and must be right when they are
// full: no scan of a whole table where an index serves.
static const char session_options[] =
    "-c statement_timeout=5s -c lock_timeout=2s -c idle_in_transaction_session_timeout=10s "
    "-c synchronous_commit=on -c jit=off -c timezone=UTC "
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c random_page_cost=1.1";
// Only a server that keeps what it commits is used.
static const char durability_check[] =
    "select current_setting('fsync') = 'on' and current_setting('full_page_writes') = 'on'";

struct call {
    struct list link;
    unsigned statements[PG_STEPS_LIMIT];
    int count;
    bool prepares[PG_STEPS_LIMIT]; // a Parse goes before them, and its answer is not here yet
    pg_done_fn *done;
    void *context;
    int64_t sent_ms;
    PGresult *rows;
    bool failed;
    struct err err;
};

enum connection_state { DISCONNECTED, CONNECTING, CHECKING, READY };

struct connection {
    struct pg *pg;
    enum connection_state state;
    PGconn *libpq;
    uv_poll_t *watch; // of libpq's present socket; its own memory, because closing it takes a turn
                      // of the loop
    uv_timer_t retry;
    int64_t since_ms; // of the state
    uint64_t backoff_ms;
    struct list calls; // in flight, oldest first
    size_t call_count;
    bool *prepared; // by statement
};

struct pg {
    uv_loop_t *loop;
    struct pg_options options;
    const struct pg_statement *statements;
    size_t statement_count;
    struct connection connections[CONNECTIONS_LIMIT];
    size_t in_flight;
    struct list
        refused; // calls that could not be sent; answered from the loop, never from pg_call()
    uv_timer_t refusal;
    uv_timer_t watch;
    struct pg_counts counts;
    bool closing;
    unsigned timers; // still open while closing
};

static void connection_open(struct connection *connection);
static void connection_lost(struct connection *connection, const char *why);

// Ends a call: its callback runs, then it is gone.
static void call_finish(struct pg *pg, struct call *call)
{
    struct pg_result result = {.rows = call->rows};

    pg->counts.errors += call->failed;
    call->done(call->context, call->failed ? NULL : &result, call->failed ? &call->err : NULL);
    PQclear(call->rows);
    free(call);
}

static void refusals_answer(uv_timer_t *timer)
{
    struct pg *pg = timer->data;

    while (!list_is_empty(&pg->refused)) {
        struct call *call = LIST_FIRST(&pg->refused, struct call, link);
        list_remove(&call->link);
        call_finish(pg, call);
    }
}

static void call_refuse(struct pg *pg, struct call *call, const char *why)
{
    call->failed = true;
    err_set(&call->err, ERR_UNAVAILABLE, "%s", why);
    list_append(&pg->refused, &call->link);
    if (!pg->closing)
        uv_timer_start(&pg->refusal, refusals_answer, 0, 0);
}

static struct connection *connection_choose(struct pg *pg)
{
    struct connection *best = NULL;

    for (unsigned i = 0; i < pg->options.connections; i++) {
        struct connection *connection = &pg->connections[i];
        if (connection->state == READY && (!best || connection->call_count < best->call_count))
            best = connection;
    }
    return best;
}

static void connection_poll(struct connection *connection);

static bool prepare_send(const struct connection *connection, unsigned number)
{
    const struct pg_statement *statement = &connection->pg->statements[number];

    return PQsendPrepare(connection->libpq, statement->name, statement->sql, 0, NULL);
}

static bool statement_send(const struct connection *connection, unsigned number,
                           const struct pg_params *params)
{
    const struct pg_statement *statement = &connection->pg->statements[number];
    const char *values[PG_PARAMS_LIMIT];
    int lengths[PG_PARAMS_LIMIT], formats[PG_PARAMS_LIMIT];

    for (int i = 0; i < params->count; i++) {
        bool null = params->values[i].length < 0;
        values[i] =
            null ? NULL : (params->bytes.data ? params->bytes.data + params->values[i].offset : "");
        lengths[i] = null ? 0 : params->values[i].length;
        formats[i] = 1;
    }
    return PQsendQueryPrepared(connection->libpq, statement->name, params->count, values, lengths,
                               formats, 1);
}

// Queues the call's messages in libpq and flushes as far as the socket takes them.
static bool call_send(struct connection *connection, const struct call *call,
                      const struct pg_step *steps)
{
    bool sent = true;

    for (int i = 0; i < call->count && sent; i++)
        sent = !call->prepares[i] || prepare_send(connection, call->statements[i]);
    for (int i = 0; i < call->count && sent; i++)
        sent = statement_send(connection, call->statements[i], steps[i].params);
    return sent && PQpipelineSync(connection->libpq);
}

static void call_start(struct pg *pg, struct call *call, const struct pg_step *steps)
{
    struct connection *connection = connection_choose(pg);

    pg->counts.calls++;
    if (!connection || pg->in_flight >= pg->options.waiting_limit) {
        call_refuse(pg, call,
                    connection ? "too many statements are waiting for the database"
                               : "the database is not reachable");
        return;
    }

    call->sent_ms = clock_monotonic_ms();
    for (int i = 0; i < call->count; i++) {
        ASSERT(call->statements[i] < pg->statement_count);
        call->prepares[i] = !connection->prepared[call->statements[i]];
        connection->prepared[call->statements[i]] = true;
    }
    list_append(&connection->calls, &call->link);
    connection->call_count++;
    pg->in_flight++;
    // A failure here is a broken connection; reading it will say so and end all its calls from the
    // loop.
    if (!call_send(connection, call, steps))
        LOG_WARN("pg.send_failed",
                 LOG_STR("statement", str_of(pg->statements[call->statements[0]].name)));
    connection_poll(connection);
}

static struct call *call_new(pg_done_fn *done, void *context)
{
    struct call *call = malloc(sizeof *call);

    if (!call)
        panic("out of memory");
    *call = (struct call){.done = done, .context = context};
    return call;
}

void pg_call_steps(struct pg *pg, const struct pg_step *steps, size_t count, pg_done_fn *done,
                   void *context)
{
    struct call *call = call_new(done, context);

    ASSERT(count > 0 && count <= PG_STEPS_LIMIT);
    for (size_t i = 0; i < count; i++)
        call->statements[call->count++] = steps[i].statement;
    call_start(pg, call, steps);
    for (size_t i = 0; i < count; i++)
        pg_params_release(steps[i].params);
}

void pg_call(struct pg *pg, unsigned statement, struct pg_params *params, pg_done_fn *done,
             void *context)
{
    pg_call_steps(pg, &(struct pg_step){statement, params}, 1, done, context);
}

static void call_pop(struct connection *connection)
{
    struct call *call = LIST_FIRST(&connection->calls, struct call, link);

    list_remove(&call->link);
    connection->call_count--;
    connection->pg->in_flight--;
    connection->since_ms = clock_monotonic_ms();
    call_finish(connection->pg, call);
}

// The answer to a Parse: they come in the order of the statements.
static void parse_answered(struct call *call)
{
    for (int i = 0; i < call->count; i++)
        if (call->prepares[i]) {
            call->prepares[i] = false;
            return;
        }
}

static void call_failed(struct connection *connection, struct call *call, const PGresult *rows)
{
    const unsigned last = call->statements[call->count - 1];

    call->failed = true;
    pg_error_read(rows, &call->err);
    for (int i = 0; i < call->count; i++)
        if (call->prepares[i])
            connection->prepared[call->statements[i]] = false;
    if (call->err.code == ERR_INTERNAL)
        LOG_ERROR("pg.statement_failed",
                  LOG_STR("statement", str_of(connection->pg->statements[last].name)),
                  LOG_ERR(&call->err),
                  LOG_STR("where", str_of(PQresultErrorField(rows, PG_DIAG_CONTEXT))));
}

// One result of the oldest call.
static void result_take(struct connection *connection, PGresult *rows)
{
    struct call *call = LIST_FIRST(&connection->calls, struct call, link);

    switch ((int)PQresultStatus(rows)) {
    case PGRES_PIPELINE_SYNC:
        PQclear(rows);
        call_pop(connection);
        return;
    case PGRES_TUPLES_OK:
        PQclear(call->rows); // an earlier step's
        call->rows = rows;
        return;
    case PGRES_COMMAND_OK: parse_answered(call); break;
    case PGRES_PIPELINE_ABORTED: break;
    default:
        if (!call->failed)
            call_failed(connection, call, rows);
    }
    PQclear(rows);
}

static void results_read(struct connection *connection)
{
    int nothing = 0; // libpq puts a NULL between commands; two in a row mean it has no more

    while (connection->state == READY && !list_is_empty(&connection->calls) &&
           !PQisBusy(connection->libpq) && nothing < 2) {
        PGresult *rows = PQgetResult(connection->libpq);
        nothing = rows ? 0 : nothing + 1;
        if (rows)
            result_take(connection, rows);
    }
}

static void connection_ready(struct connection *connection)
{
    struct pg *pg = connection->pg;

    connection->state = READY;
    connection->since_ms = clock_monotonic_ms();
    connection->backoff_ms = BACKOFF_FIRST_MS;
    pg->counts.connects++;
    pg->counts.connected++;
    if (pg->counts.connected == 1 && pg->options.changed)
        pg->options.changed(pg->options.context, true);
}

// The answer to the durability check, still outside of pipeline mode.
static void check_read(struct connection *connection)
{
    while (!PQisBusy(connection->libpq)) {
        PGresult *rows = PQgetResult(connection->libpq);
        if (!rows) {
            if (!PQenterPipelineMode(connection->libpq))
                connection_lost(connection, "cannot enter pipeline mode");
            else
                connection_ready(connection);
            return;
        }
        bool durable = PQresultStatus(rows) == PGRES_TUPLES_OK && PQgetvalue(rows, 0, 0)[0] == 't';
        PQclear(rows);
        if (!durable) {
            connection_lost(connection, "PostgreSQL runs with fsync or full_page_writes off: "
                                        "what it commits can be lost, so we do not use it");
            return;
        }
    }
}

static void connection_event(uv_poll_t *poll, int status, int events);

static void watch_free(uv_handle_t *handle)
{
    free(handle);
}

static void watch_close(struct connection *connection)
{
    if (connection->watch)
        uv_close((uv_handle_t *)connection->watch, watch_free);
    connection->watch = NULL;
}

static void watch_for(struct connection *connection, int events)
{
    if (!connection->watch) {
        connection->watch = malloc(sizeof *connection->watch);
        if (!connection->watch)
            panic("out of memory");
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

// Write interest exactly while libpq has something it could not send.
static void connection_poll(struct connection *connection)
{
    watch_for(connection, UV_READABLE | (PQflush(connection->libpq) == 1 ? UV_WRITABLE : 0));
}

// One step of connecting. libpq may move on to another address and so to another socket: the watch
// is closed before each step and opened anew on the socket that is current after it.
static void connection_advance(struct connection *connection)
{
    watch_close(connection);
    switch (PQconnectPoll(connection->libpq)) {
    case PGRES_POLLING_OK:
        connection->state = CHECKING;
        if (PQsetnonblocking(connection->libpq, 1) != 0 ||
            !PQsendQuery(connection->libpq, durability_check))
            connection_lost(connection, "cannot use the new connection");
        else
            connection_poll(connection);
        return;
    case PGRES_POLLING_FAILED: connection_lost(connection, "cannot connect"); return;
    case PGRES_POLLING_READING: watch_for(connection, UV_READABLE); return;
    case PGRES_POLLING_WRITING:
    case PGRES_POLLING_ACTIVE: watch_for(connection, UV_WRITABLE); return;
    }
}

static void connection_event(uv_poll_t *poll, int status, int events)
{
    struct connection *connection = poll->data;

    (void)events;
    if (connection->state == CONNECTING) {
        connection_advance(connection);
        return;
    }
    if (status < 0 || !PQconsumeInput(connection->libpq)) {
        connection_lost(connection, "connection lost");
        return;
    }
    if (connection->state == CHECKING)
        check_read(connection);
    else
        results_read(connection);
    if (connection->state == DISCONNECTED)
        return;
    if (PQstatus(connection->libpq) != CONNECTION_OK)
        connection_lost(connection, "connection lost");
    else
        connection_poll(connection);
}

static void connection_retry(uv_timer_t *timer)
{
    connection_open(timer->data);
}

// Ends a connection: what was in flight has an unknown outcome, and another attempt is made later.
static void connection_lost(struct connection *connection, const char *why)
{
    struct pg *pg = connection->pg;
    bool was_ready = connection->state == READY;

    if (connection->state == DISCONNECTED)
        return;
    if (!pg->closing)
        LOG_WARN("pg.disconnected", LOG_STR("why", str_of(why)),
                 LOG_INT("inFlight", connection->call_count));
    connection->state = DISCONNECTED;
    memset(connection->prepared, 0, pg->statement_count * sizeof *connection->prepared);
    watch_close(connection);
    PQfinish(connection->libpq);
    connection->libpq = NULL;
    if (was_ready) {
        pg->counts.disconnects++;
        pg->counts.connected--;
    }
    if (!pg->closing) {
        uv_timer_start(&connection->retry, connection_retry, connection->backoff_ms, 0);
        connection->backoff_ms = connection->backoff_ms * 2 < BACKOFF_LAST_MS
                                     ? connection->backoff_ms * 2
                                     : BACKOFF_LAST_MS;
    }
    // Last, because the callbacks may call pg_call() again.
    while (!list_is_empty(&connection->calls)) {
        struct call *call = LIST_FIRST(&connection->calls, struct call, link);
        call->failed = true;
        err_set(&call->err, ERR_UNKNOWN_OUTCOME, "the connection to the database was lost");
        call_pop(connection);
    }
    if (was_ready && pg->counts.connected == 0 && pg->options.changed)
        pg->options.changed(pg->options.context, false);
}

static void connection_open(struct connection *connection)
{
    const struct pg_options *options = &connection->pg->options;
    const char *const names[] = {"dbname",           "application_name",     "options",
                                 "tcp_user_timeout", "keepalives_idle",      "keepalives_interval",
                                 "keepalives_count", "target_session_attrs", NULL};
    const char *const values[] = {
        options->url, options->application, session_options, "5000", "5", "3", "3", "read-write",
        NULL};

    connection->state = CONNECTING;
    connection->since_ms = clock_monotonic_ms();
    connection->libpq = PQconnectStartParams(names, values, 1);
    if (!connection->libpq)
        panic("out of memory");
    if (PQstatus(connection->libpq) == CONNECTION_BAD)
        connection_lost(connection, "cannot connect");
    else
        watch_for(connection, UV_WRITABLE);
}

// What no event reports: servers that accept and then say nothing.
static void silence_watch(uv_timer_t *timer)
{
    struct pg *pg = timer->data;
    int64_t now = clock_monotonic_ms();

    for (unsigned i = 0; i < pg->options.connections; i++) {
        struct connection *connection = &pg->connections[i];
        bool connecting = connection->state == CONNECTING || connection->state == CHECKING;
        if (connecting && now - connection->since_ms > CONNECT_LIMIT_MS)
            connection_lost(connection, "no answer while connecting");
        if (connection->state != READY || list_is_empty(&connection->calls))
            continue;
        struct call *oldest = LIST_FIRST(&connection->calls, struct call, link);
        int64_t since =
            oldest->sent_ms > connection->since_ms ? oldest->sent_ms : connection->since_ms;
        if (now - since > SILENCE_LIMIT_MS)
            connection_lost(connection, "the database does not answer");
    }
}

struct pg *pg_new(uv_loop_t *loop, const struct pg_options *options,
                  const struct pg_statement *statements, size_t count)
{
    struct pg *pg = calloc(1, sizeof *pg);

    if (!pg)
        panic("out of memory");
    ASSERT(options->connections > 0 && options->connections <= CONNECTIONS_LIMIT);
    pg->loop = loop;
    pg->options = *options;
    pg->statements = statements;
    pg->statement_count = count;
    list_init(&pg->refused);
    uv_timer_init(loop, &pg->refusal);
    pg->refusal.data = pg;
    uv_timer_init(loop, &pg->watch);
    pg->watch.data = pg;
    uv_timer_start(&pg->watch, silence_watch, WATCH_MS, WATCH_MS);
    for (unsigned i = 0; i < options->connections; i++) {
        struct connection *connection = &pg->connections[i];
        *connection = (struct connection){.pg = pg, .backoff_ms = BACKOFF_FIRST_MS};
        connection->prepared = calloc(count, sizeof *connection->prepared);
        if (!connection->prepared)
            panic("out of memory");
        list_init(&connection->calls);
        uv_timer_init(loop, &connection->retry);
        connection->retry.data = connection;
        connection_open(connection);
    }
    return pg;
}

static void timer_closed(uv_handle_t *handle)
{
    struct pg *pg = handle->data;

    if (--pg->timers > 0)
        return;
    for (unsigned i = 0; i < pg->options.connections; i++)
        free(pg->connections[i].prepared);
    free(pg);
}

static void timer_close(struct pg *pg, uv_timer_t *timer)
{
    timer->data = pg;
    pg->timers++;
    uv_close((uv_handle_t *)timer, timer_closed);
}

void pg_close(struct pg **pg_pointer)
{
    struct pg *pg = *pg_pointer;

    if (!pg)
        return;
    *pg_pointer = NULL;
    pg->closing = true;
    for (unsigned i = 0; i < pg->options.connections; i++) {
        connection_lost(&pg->connections[i], "closing");
        timer_close(pg, &pg->connections[i].retry);
    }
    refusals_answer(&pg->refusal);
    timer_close(pg, &pg->refusal);
    timer_close(pg, &pg->watch);
}

bool pg_ready(const struct pg *pg)
{
    return pg->counts.connected > 0;
}

size_t pg_in_flight(const struct pg *pg)
{
    return pg->in_flight;
}

struct pg_counts pg_counts(const struct pg *pg)
{
    return pg->counts;
}
