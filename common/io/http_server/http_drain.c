// http_drain: how a server ends without cutting anybody off (http_server_drain()).
//
//   retiring  (delay)        connections are accepted, every answer says "Connection: close": load
//                            balancers learn that we leave, and clients go elsewhere one by one
//   deaf      (100 ms)       no new connection can begin; handshakes in progress are completed
//   closed    (1 s)          the listener is closed; a client that has a connection may begin a
//                            request
//   quiet                    connections without a byte of a request are closed; a client that has
//                            sent at least one byte gets an answer
//
// The times of deaf and closed are counted in turns of a timer, so time in which this process did
// not run does not count: when a whole machine stands still, its clients do not send anything
// either.
//
// The drain is over when the last connection has gone. An answer closes its connection only if no
// unread bytes wait behind the request: closing with unread bytes makes the kernel reset the
// connection, which may destroy the answer, and a request that has arrived must be answered.
#include "io/http_server/http_h2o.h"

#include <sys/ioctl.h>

enum { TURN_MS = 50, HANDSHAKE_TURNS = 2, GRACE_TURNS = 20 };

static void on_drain(uv_timer_t *timer);

static void drain_step(struct http_server *server, enum http_drain state, unsigned turns)
{
    server->drain = state;
    server->drain_turns = turns;
    uv_timer_start(&server->drain_clock, on_drain, TURN_MS, TURN_MS);
}

bool http_drain_is_spoken_to(const struct connection *connection)
{
    int descriptor, unread = 0;

    if (connection->early.len > 0)
        return true;
    return uv_fileno((const uv_handle_t *)&connection->tcp, &descriptor) == 0 &&
           ioctl(descriptor, FIONREAD, &unread) == 0 && unread > 0;
}

void http_drain_look(struct http_server *server)
{
    if (server->drain != HTTP_DRAIN_QUIET && server->drain != HTTP_DRAIN_CLOSED)
        return;
    if (server->counts.connections > 0 || server->is_drained)
        return;
    server->is_drained = true;
    uv_timer_stop(&server->drain_clock);
    if (server->options.drained)
        server->options.drained(server->options.context);
}

static void leave(struct http_server *server)
{
    listener_deafen(server->listener);
    while (!list_is_empty(&server->streams))
        http_stream_drain(http_stream_of(server->streams.next));
    drain_step(server, HTTP_DRAIN_DEAF, HANDSHAKE_TURNS);
}

static void listener_end(struct http_server *server)
{
    listener_accept_rest(server->listener);
    server->counts.accept_paused = listener_pauses(server->listener);
    listener_close(&server->listener);
    drain_step(server, HTTP_DRAIN_CLOSED, GRACE_TURNS);
    http_drain_look(server);
}

// Connections that have begun a request stay: the client may finish it within the usual time.
static void quiet_ones_close(struct http_server *server)
{
    server->drain = HTTP_DRAIN_QUIET;
    LIST_EACH (&server->waiting, struct connection, state, connection)
        if (connection->socket && connection->socket->input->size == 0 &&
            !http_drain_is_spoken_to(connection))
            http_connection_cut(connection);
    http_drain_look(server);
}

static void on_drain(uv_timer_t *timer)
{
    struct http_server *server = CONTAINER_OF(timer, struct http_server, drain_clock);

    if (server->drain_turns > 0 && --server->drain_turns > 0)
        return;
    uv_timer_stop(timer);
    switch (server->drain) {
    case HTTP_DRAIN_NOT: return;
    case HTTP_DRAIN_RETIRING: leave(server); return;
    case HTTP_DRAIN_DEAF: listener_end(server); return;
    case HTTP_DRAIN_CLOSED: quiet_ones_close(server); return;
    case HTTP_DRAIN_QUIET: return;
    }
}

void http_server_drain(struct http_server *server, uint64_t delay_ms)
{
    if (server->drain != HTTP_DRAIN_NOT)
        return;
    server->drain = HTTP_DRAIN_RETIRING;
    if (delay_ms == 0)
        leave(server);
    else
        uv_timer_start(&server->drain_clock, on_drain, delay_ms, 0);
}

bool http_server_lets_go(const struct http_server *server)
{
    return server->drain > HTTP_DRAIN_RETIRING;
}

void http_drain_at_once(struct http_server *server)
{
    uv_timer_stop(&server->drain_clock);
    server->drain = HTTP_DRAIN_QUIET;
    server->is_drained = true; // nobody is told any more
    if (server->listener)
        server->counts.accept_paused = listener_pauses(server->listener);
    listener_close(&server->listener);
    h2o_context_request_shutdown(&server->context);
    while (!list_is_empty(&server->streams))
        http_stream_drain(http_stream_of(server->streams.next));
}
