// pg_listen: one libpq connection, outside of pipeline mode, with at most one statement out.
#include "io/pg/pg_listen.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "io/pg/pg_result.h"
#include "telemetry/log.h"

#include <stdlib.h>

enum {
    BACKOFF_FIRST_MS = 100,
    BACKOFF_LAST_MS = 2000,
    CONNECT_LIMIT_MS = 5000,
    TICK_MS = 1000,
    SILENCE_LIMIT_MS = 2000,
};

enum state { DISCONNECTED, CONNECTING, SUBSCRIBING, LISTENING };

struct pg_listen {
    uv_loop_t *loop;
    struct pg_listen_options options;
    struct buf command;
    enum state state;
    PGconn *libpq;
    uv_poll_t *watch; // of libpq's present socket; its own memory: closing takes a turn of the loop
    uv_timer_t retry, tick;
    uint64_t backoff_ms;
    int64_t asked_ms; // when the statement that is out was sent, or connecting began
    int64_t ticked_ms;
    bool is_asking;
    unsigned timers;
};

static void connection_open(struct pg_listen *listen);
static void watch_event(uv_poll_t *poll, int status, int events);

static void watch_free(uv_handle_t *handle)
{
    free(handle);
}

static void watch_close(struct pg_listen *listen)
{
    if (listen->watch)
        uv_close((uv_handle_t *)listen->watch, watch_free);
    listen->watch = NULL;
}

static void watch_for(struct pg_listen *listen, int events)
{
    if (!listen->watch) {
        listen->watch = heap_raw(sizeof *listen->watch);
        if (uv_poll_init(listen->loop, listen->watch, PQsocket(listen->libpq)) != 0) {
            free(listen->watch); // out of descriptors: the tick ends this attempt
            listen->watch = NULL;
            return;
        }
        listen->watch->data = listen;
    }
    uv_poll_start(listen->watch, events, watch_event);
}

static void retry_due(uv_timer_t *timer)
{
    connection_open(timer->data);
}

static void connection_drop(struct pg_listen *listen)
{
    watch_close(listen);
    PQfinish(listen->libpq);
    listen->libpq = NULL;
    listen->state = DISCONNECTED;
    listen->is_asking = false;
}

static void connection_lost(struct pg_listen *listen, const char *why)
{
    AUTO(buf) said = {0};

    pg_refusal_text(listen->libpq, &said); // libpq's own message, if there is one
    LOG_WARN("pg.not_listening", LOG_STR("why", said.len ? buf_str(&said) : str_of(why)));
    connection_drop(listen);
    uv_timer_start(&listen->retry, retry_due, listen->backoff_ms, 0);
    listen->backoff_ms =
        listen->backoff_ms * 2 < BACKOFF_LAST_MS ? listen->backoff_ms * 2 : BACKOFF_LAST_MS;
}

static void connection_open(struct pg_listen *listen)
{
    const char *const names[] = {"dbname",          "application_name",     "tcp_user_timeout",
                                 "keepalives_idle", "target_session_attrs", NULL};
    const char *const values[] = {
        listen->options.url, listen->options.application, "5000", "5", "read-write", NULL};

    listen->state = CONNECTING;
    listen->asked_ms = clock_monotonic_ms();
    listen->libpq = PQconnectStartParams(names, values, 1);
    if (!listen->libpq)
        panic("out of memory");
    pg_notices_log(listen->libpq, NULL);
    if (PQstatus(listen->libpq) == CONNECTION_BAD)
        connection_lost(listen, "cannot connect");
    else
        watch_for(listen, UV_WRITABLE);
}

static bool ask(struct pg_listen *listen, const char *statement)
{
    listen->asked_ms = clock_monotonic_ms();
    listen->is_asking = true;
    if (!PQsendQuery(listen->libpq, statement) || PQflush(listen->libpq) < 0)
        return false;
    watch_for(listen, UV_READABLE);
    return true;
}

static void connection_advance(struct pg_listen *listen)
{
    watch_close(listen); // libpq may go on with another socket
    switch (PQconnectPoll(listen->libpq)) {
    case PGRES_POLLING_OK:
        listen->state = SUBSCRIBING;
        if (!ask(listen, buf_c_string(&listen->command)))
            connection_lost(listen, "cannot use the new connection");
        return;
    case PGRES_POLLING_FAILED: connection_lost(listen, "cannot connect"); return;
    case PGRES_POLLING_READING: watch_for(listen, UV_READABLE); return;
    case PGRES_POLLING_WRITING:
    case PGRES_POLLING_ACTIVE: watch_for(listen, UV_WRITABLE); return;
    }
}

// The results of the statement that is out. False: it failed.
static bool results_read(struct pg_listen *listen)
{
    while (listen->is_asking && !PQisBusy(listen->libpq)) {
        PGresult *result = PQgetResult(listen->libpq);
        bool failed = result && PQresultStatus(result) == PGRES_FATAL_ERROR;
        if (!result)
            listen->is_asking = false;
        PQclear(result);
        if (failed)
            return false;
    }
    return true;
}

static void notifications_pass_on(struct pg_listen *listen)
{
    PGnotify *notification;

    if (listen->state == SUBSCRIBING && !listen->is_asking) {
        listen->state = LISTENING;
        listen->backoff_ms = BACKOFF_FIRST_MS;
        listen->options.began(listen->options.context);
    }
    while (listen->libpq && (notification = PQnotifies(listen->libpq)) != NULL) {
        listen->options.heard(listen->options.context, str_of(notification->extra));
        PQfreemem(notification);
    }
}

static void watch_event(uv_poll_t *poll, int status, int events)
{
    struct pg_listen *listen = poll->data;

    (void)events;
    if (listen->state == CONNECTING)
        connection_advance(listen);
    else if (status < 0 || !PQconsumeInput(listen->libpq) || !results_read(listen) ||
             PQstatus(listen->libpq) != CONNECTION_OK)
        connection_lost(listen, "connection lost");
    else
        notifications_pass_on(listen);
}

// A connection that broke silently looks like one without notifications.
static void ticked(uv_timer_t *timer)
{
    struct pg_listen *listen = timer->data;
    int64_t now_ms = clock_monotonic_ms();

    // When this process itself did not run, the answer may wait in the socket, which is read after
    // the timers.
    if (now_ms - listen->ticked_ms > SILENCE_LIMIT_MS)
        listen->asked_ms = now_ms;
    listen->ticked_ms = now_ms;
    int64_t waited_ms = now_ms - listen->asked_ms;
    if (listen->state == DISCONNECTED)
        return;
    if (listen->state == CONNECTING ? waited_ms > CONNECT_LIMIT_MS
                                    : listen->is_asking && waited_ms > SILENCE_LIMIT_MS)
        connection_lost(listen, "no sign of life");
    else if (listen->state == LISTENING && !listen->is_asking && !ask(listen, "select 1"))
        connection_lost(listen, "connection lost");
}

struct pg_listen *pg_listen_new(uv_loop_t *loop, const struct pg_listen_options *options)
{
    struct pg_listen *listen = heap_new(sizeof *listen);
    *listen = (struct pg_listen){.loop = loop, .options = *options, .backoff_ms = BACKOFF_FIRST_MS};
    buf_printf(&listen->command, "listen %s", options->channel);
    uv_timer_init(loop, &listen->retry);
    uv_timer_init(loop, &listen->tick);
    listen->retry.data = listen->tick.data = listen;
    listen->ticked_ms = clock_monotonic_ms();
    uv_timer_start(&listen->tick, ticked, TICK_MS, TICK_MS);
    connection_open(listen);
    return listen;
}

static void timer_closed(uv_handle_t *handle)
{
    struct pg_listen *listen = handle->data;

    if (--listen->timers == 0)
        free(listen);
}

void pg_listen_close(struct pg_listen **listen_pointer)
{
    struct pg_listen *listen = *listen_pointer;

    if (!listen)
        return;
    *listen_pointer = NULL;
    connection_drop(listen);
    buf_release(&listen->command);
    listen->timers = 2;
    uv_close((uv_handle_t *)&listen->retry, timer_closed);
    uv_close((uv_handle_t *)&listen->tick, timer_closed);
}
