// pg: a pool of libpq connections in pipeline mode on a libuv loop.
//
// Each call is [Parse] Bind Execute Sync; one of several steps has more of the first three, the
// Parses in front, so that what an earlier step stops is prepared all the same, and for the role
// that logged in. libpq reports its results in order and a PGRES_PIPELINE_SYNC when the server said
// ReadyForQuery; only then is the transaction's fate known, and only then does the callback run. A
// mirror list of calls stands beside libpq's own queue. Statements are prepared at their first use
// on a connection (pg_connection.h).
#include "io/pg/pg.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "io/pg/pg_connection.h"
#include "io/pg/pg_metrics.h"
#include "telemetry/log.h"

#include <stdlib.h>

enum { WATCH_MS = 500 };

// Ends a call: its callback runs, then it is gone.
static void call_finish(struct pg *pg, struct pg_call *call)
{
    struct pg_result result = {.rows = call->rows};

    pg_metrics_ended(pg->metrics, call);
    call->done(call->context, call->failed ? NULL : &result, call->failed ? &call->err : NULL);
    PQclear(call->rows);
    free(call);
}

static void refusals_answer(uv_timer_t *timer)
{
    struct pg *pg = timer->data;

    while (!list_is_empty(&pg->refused)) {
        struct pg_call *call = LIST_FIRST(&pg->refused, struct pg_call, link);
        list_remove(&call->link);
        call_finish(pg, call);
    }
}

static void call_refuse(struct pg *pg, struct pg_call *call, const char *why)
{
    call->failed = true;
    err_set(&call->err, ERR_UNAVAILABLE, "%s", why);
    list_append(&pg->refused, &call->link);
    if (!pg->closing)
        uv_timer_start(&pg->refusal, refusals_answer, 0, 0);
}

static struct pg_connection *connection_choose(struct pg *pg)
{
    struct pg_connection *best = NULL;

    for (unsigned i = 0; i < pg->options.connections; i++) {
        struct pg_connection *connection = &pg->connections[i];
        if (connection->state == PG_READY && (!best || connection->call_count < best->call_count))
            best = connection;
    }
    return best;
}

static bool prepare_send(const struct pg_connection *connection, unsigned number)
{
    const struct pg_statement *statement = &connection->pg->statements[number];

    return PQsendPrepare(connection->libpq, statement->name, statement->sql, 0, NULL);
}

static bool statement_send(const struct pg_connection *connection, unsigned number,
                           const struct pg_params *params)
{
    const struct pg_statement *statement = &connection->pg->statements[number];
    const char *values[PG_PARAMS_LIMIT];
    int lengths[PG_PARAMS_LIMIT], formats[PG_PARAMS_LIMIT];

    ASSERT(params->statement == PG_ANY_STATEMENT ||
           (unsigned)params->statement == statement->parameters_of);
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
static bool call_send(struct pg_connection *connection, const struct pg_call *call,
                      const struct pg_step *steps)
{
    bool sent = true;

    for (int i = 0; i < call->count && sent; i++)
        sent = !call->prepares[i] || prepare_send(connection, call->statements[i]);
    for (int i = 0; i < call->count && sent; i++)
        sent = statement_send(connection, call->statements[i], steps[i].params);
    return sent && PQpipelineSync(connection->libpq);
}

static void call_start(struct pg *pg, struct pg_call *call, const struct pg_step *steps)
{
    struct pg_connection *connection = connection_choose(pg);

    if (!connection || pg->in_flight >= pg->options.waiting_limit) {
        call_refuse(pg, call,
                    connection ? "too many statements are waiting for the database"
                               : "the database is not reachable");
        return;
    }

    call->sent_us = clock_monotonic_us();
    pg_metrics_sent(pg->metrics, call);
    for (int i = 0; i < call->count; i++) {
        ASSERT(call->statements[i] < pg->statement_count);
        call->prepares[i] = !connection->prepared[call->statements[i]];
        connection->prepared[call->statements[i]] = true;
    }
    list_append(&connection->calls, &call->link);
    connection->call_count++;
    pg->in_flight++;
    // A failure here is a broken connection; pg_connection_poll() sees to it that all its calls end
    // from the loop.
    if (!call_send(connection, call, steps))
        LOG_WARN("pg.send_failed",
                 LOG_STR("statement", str_of(pg->statements[call->statements[0]].name)));
    pg_connection_poll(connection);
}

static struct pg_call *call_new(enum pg_method method, bool writes, pg_done_fn *done, void *context)
{
    struct pg_call *call = heap_raw(sizeof *call);
    *call = (struct pg_call){.method = method, .writes = writes, .done = done, .context = context};
    return call;
}

static void steps_call(struct pg *pg, enum pg_method method, bool writes,
                       const struct pg_step *steps, size_t count, pg_done_fn *done, void *context)
{
    struct pg_call *call = call_new(method, writes, done, context);

    ASSERT(count > 0 && count <= PG_STEPS_LIMIT);
    for (size_t i = 0; i < count; i++)
        call->statements[call->count++] = steps[i].statement;
    call_start(pg, call, steps);
    for (size_t i = 0; i < count; i++)
        pg_params_release(steps[i].params);
}

void pg_call_steps(struct pg *pg, const struct pg_step *steps, size_t count, pg_done_fn *done,
                   void *context)
{
    steps_call(pg, count > 1 ? PG_TRANSACTION : PG_QUERY, false, steps, count, done, context);
}

void pg_call_batch(struct pg *pg, const struct pg_step *steps, size_t count, pg_done_fn *done,
                   void *context)
{
    steps_call(pg, PG_BATCH, true, steps, count, done, context);
}

void pg_call_probe(struct pg *pg, unsigned statement, bool proves_all, pg_done_fn *done,
                   void *context)
{
    struct pg_call *call = call_new(PG_QUERY, true, done, context);
    struct pg_params none;

    pg_params_init(&none);
    call->proves_all = proves_all;
    call->statements[call->count++] = statement;
    call_start(pg, call, &(struct pg_step){statement, &none});
    pg_params_release(&none);
}

void pg_call(struct pg *pg, struct pg_params *params, pg_done_fn *done, void *context)
{
    ASSERT(params->statement != PG_ANY_STATEMENT);
    steps_call(pg, PG_QUERY, false, &(struct pg_step){(unsigned)params->statement, params}, 1, done,
               context);
}

void pg_call_pop(struct pg_connection *connection)
{
    struct pg_call *call = LIST_FIRST(&connection->calls, struct pg_call, link);

    list_remove(&call->link);
    connection->call_count--;
    connection->pg->in_flight--;
    connection->since_ms = clock_monotonic_ms();
    call_finish(connection->pg, call);
}

// The answer to a Parse: they come in the order of the statements.
static bool parse_answered(struct pg_call *call)
{
    for (int i = 0; i < call->count; i++)
        if (call->prepares[i]) {
            call->prepares[i] = false;
            return true;
        }
    return false;
}

static void statement_answered(struct pg_call *call, PGresult *rows)
{
    static const struct str tags[] = {[PG_SELECT] = STR_INIT("SELECT"),
                                      [PG_INSERT] = STR_INIT("INSERT"),
                                      [PG_UPDATE] = STR_INIT("UPDATE"),
                                      [PG_DELETE] = STR_INIT("DELETE")};
    struct str tag = str_of(PQcmdStatus(rows));
    enum pg_command command = PG_SELECT;

    while (command < PG_OTHER && !str_starts(tag, tags[command]))
        command++;
    call->commands[call->answered++] = command;
}

// Failures caused by a row or by concurrent transactions say nothing about the server.
static void write_failed(struct pg *pg, const char *state)
{
    static const char *const of_the_data[] = {"NX", "22", "23", "40", "26"};

    for (size_t i = 0; i < COUNT_OF(of_the_data); i++)
        if (strncmp(state, of_the_data[i], 2) == 0)
            return;
    pg->writes.failed_ms = clock_monotonic_ms();
    if (strcmp(state, "53100") == 0 || strcmp(state, "53200") == 0 || strcmp(state, "58030") == 0)
        pg->writes.full_ms = pg->writes.failed_ms;
    memcpy(pg->writes.state, state, sizeof pg->writes.state);
}

static void lock_was_not_had(struct pg *pg, const struct pg_call *call)
{
    struct pg_writes *writes = &pg->writes;
    int64_t now_ms = clock_monotonic_ms();

    if (now_ms - writes->locked_ms >= PG_LOCKED_PAUSE_MS)
        writes->locked_since_ms = now_ms;
    writes->locked_ms = now_ms;
    writes->locked = pg->statements[call->statements[call->count - 1]].name;
}

// A migration was committed while a function ran, and the rest of its old text does not fit the
// tables; or this program is newer than the database. In both cases nothing was done, and the same
// call succeeds when the schema is current.
static void call_met_another_schema(struct pg_connection *connection, struct pg_call *call)
{
    static const char *const states[] = {"42P01", "42P10", "42703", "42883"};
    const unsigned last = call->statements[call->count - 1];

    for (size_t i = 0; i < COUNT_OF(states); i++)
        if (strcmp(call->state, states[i]) == 0) {
            LOG_WARN("pg.schema_differs",
                     LOG_STR("statement", str_of(connection->pg->statements[last].name)),
                     LOG_STR("state", str_of(call->state)));
            call->err.code = ERR_CONCURRENT;
        }
}

static void call_failed(struct pg_connection *connection, struct pg_call *call,
                        const PGresult *rows)
{
    const unsigned last = call->statements[call->count - 1];

    call->failed = true;
    pg_error_read(rows, &call->err);
    pg_error_state(rows, call->state);
    call_met_another_schema(connection, call);
    if (call->writes)
        write_failed(connection->pg, call->state);
    if (call->err.code == ERR_LOCKED)
        lock_was_not_had(connection->pg, call);
    connection->refuses_writes |= call->err.code == ERR_UNAVAILABLE;
    for (int i = 0; i < call->count; i++)
        if (call->prepares[i])
            connection->prepared[call->statements[i]] = false;
    if (call->err.code == ERR_INTERNAL)
        LOG_ERROR("pg.statement_failed",
                  LOG_STR("statement", str_of(connection->pg->statements[last].name)),
                  LOG_ERR(&call->err),
                  LOG_STR("where", str_of(PQresultErrorField(rows, PG_DIAG_CONTEXT))));
}

// It is committed here and may be missing on the standby. Whoever runs it again waits for the standby.
static void call_was_not_replicated(struct pg_connection *connection, struct pg_call *call)
{
    connection->was_not_replicated = false;
    call->failed = true;
    memcpy(call->state, "08006", sizeof call->state);
    err_set(&call->err, ERR_UNKNOWN_OUTCOME, "the standby may not have it");
}

// One result of the oldest call.
static void result_take(struct pg_connection *connection, PGresult *rows)
{
    struct pg_call *call = LIST_FIRST(&connection->calls, struct pg_call, link);

    switch ((int)PQresultStatus(rows)) {
    case PGRES_PIPELINE_SYNC:
        PQclear(rows);
        if (connection->was_not_replicated)
            call_was_not_replicated(connection, call);
        if (call->writes && !call->failed)
            connection->pg->writes.committed_ms = clock_monotonic_ms();
        if (call->proves_all && !call->failed)
            connection->pg->writes.proved_ms = call->sent_us / 1000;
        pg_call_pop(connection);
        return;
    case PGRES_TUPLES_OK:
        statement_answered(call, rows);
        PQclear(call->rows); // an earlier step's
        call->rows = rows;
        return;
    case PGRES_COMMAND_OK:
        if (!parse_answered(call))
            statement_answered(call, rows);
        break;
    case PGRES_PIPELINE_ABORTED: break;
    default:
        if (!call->failed)
            call_failed(connection, call, rows);
    }
    PQclear(rows);
}

void pg_results_read(struct pg_connection *connection)
{
    int nothing = 0; // libpq puts a NULL between commands; two in a row mean it has no more

    while (connection->state == PG_READY && !list_is_empty(&connection->calls) &&
           !PQisBusy(connection->libpq) && nothing < 2) {
        PGresult *rows = PQgetResult(connection->libpq);
        nothing = rows ? 0 : nothing + 1;
        if (rows)
            result_take(connection, rows);
    }
}

static void silence_watch(uv_timer_t *timer)
{
    struct pg *pg = timer->data;

    for (unsigned i = 0; i < pg->options.connections; i++)
        pg_connection_watch_silence(&pg->connections[i], clock_monotonic_ms());
}

struct pg *pg_new(uv_loop_t *loop, const struct pg_options *options,
                  const struct pg_statement *statements, size_t count)
{
    struct pg *pg = heap_new(sizeof *pg);
    ASSERT(options->connections > 0 && options->connections <= PG_CONNECTIONS_LIMIT);
    pg->loop = loop;
    pg->options = *options;
    pg->statements = statements;
    pg->statement_count = count;
    pg->metrics = pg_metrics_new(options->metrics);
    list_init(&pg->refused);
    uv_timer_init(loop, &pg->refusal);
    pg->refusal.data = pg;
    uv_timer_init(loop, &pg->watch);
    pg->watch.data = pg;
    uv_timer_start(&pg->watch, silence_watch, WATCH_MS, WATCH_MS);
    for (unsigned i = 0; i < options->connections; i++) {
        struct pg_connection *connection = &pg->connections[i];
        connection->prepared = heap_array(count, sizeof *connection->prepared);
        pg_connection_start(connection, pg);
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
    pg_metrics_free(&pg->metrics);
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
        pg_connection_lost(&pg->connections[i], "closing");
        timer_close(pg, &pg->connections[i].retry);
    }
    refusals_answer(&pg->refusal);
    timer_close(pg, &pg->refusal);
    timer_close(pg, &pg->watch);
}

bool pg_ready(const struct pg *pg)
{
    return pg->connected > 0;
}

size_t pg_in_flight(const struct pg *pg)
{
    return pg->in_flight;
}

struct pg_writes pg_writes(const struct pg *pg)
{
    struct pg_writes writes = pg->writes;

    for (unsigned i = 0; i < pg->options.connections; i++) {
        LIST_EACH (&pg->connections[i].calls, struct pg_call, link, call) {
            if (!call->writes)
                continue;
            int64_t sent_ms = call->sent_us / 1000;
            if (writes.oldest_ms == 0 || sent_ms < writes.oldest_ms)
                writes.oldest_ms = sent_ms;
            break; // those behind it were sent later
        }
    }
    return writes;
}

struct pg_counts pg_counts(const struct pg *pg)
{
    struct pg_counts counts = {.connected = pg->connected};

    for (unsigned i = 0; i < pg->options.connections; i++)
        counts.connecting += pg->connections[i].state == PG_CONNECTING ||
                             pg->connections[i].state == PG_CHECKING ||
                             pg->connections[i].state == PG_INTRODUCING;
    counts.lost = pg->options.connections - counts.connected - counts.connecting;
    return counts;
}
