// http_server: the server's life and its connections' (their states: http_h2o.h).
#include "io/http_server/http_server.h"

#include "base/heap.h"
#include "base/map.h"
#include "base/panic.h"
#include "io/http_server/http_h2o.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>

enum { TCP_USER_TIMEOUT_MS = 20000, HANDLES = 3 };

static void on_accepted(void *context, int descriptor);
static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);
static void on_clock(uv_timer_t *timer);
static void on_before_sleep(uv_prepare_t *prepare);

// --- life of the server ---

static void configure(struct http_server *server)
{
    h2o_globalconf_t *config = &server->config;

    h2o_config_init(config);
    config->server_name = h2o_iovec_init(H2O_STRLIT("nexus"));
    config->max_request_entity_size = server->options.body_limit + 1; // ours is the exact check
    config->http1.req_timeout = H2O_TIMEOUT_MS;
    config->http1.upgrade_to_http2 = 0; // nothing of 2.2.5's HTTP/2 is reachable
    // Its GOAWAY timer would keep the context busy for a second after a shutdown request.
    config->http2.callbacks.request_shutdown = NULL;

    h2o_hostconf_t *host =
        h2o_config_register_host(config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = http_request_take;
    http_refusal_filter(host, server);
    h2o_context_init(&server->context, server->loop, config);
    server->accept = (h2o_accept_ctx_t){.ctx = &server->context, .hosts = config->hosts};
}

struct http_server *http_server_new(uv_loop_t *loop, const struct http_server_options *options,
                                    struct err *err)
{
    struct http_server *server = heap_new(sizeof *server);
    *server = (struct http_server){.options = *options, .loop = loop, .handles_open = HANDLES};
    server->listener = listener_new(loop,
                                    &(struct listener_options){.host = options->host,
                                                               .port = options->port,
                                                               .accepted = on_accepted,
                                                               .shortage = http_crowd_shortage,
                                                               .context = server},
                                    err);
    if (!server->listener) {
        free(server);
        return NULL;
    }
    server->options.host = NULL; // its text was the caller's
    signal(SIGPIPE, SIG_IGN);    // a client that has gone is an error of its write, nothing more
    list_init(&server->connections);
    list_init(&server->waiting);
    list_init(&server->answering);
    list_init(&server->fresh);
    list_init(&server->skipping);
    list_init(&server->lingering);
    list_init(&server->streams);
    list_init(&server->downloads);
    server->places = map_new();
    configure(server);
    ASSERT(uv_timer_init(loop, &server->clock) == 0);
    ASSERT(uv_timer_init(loop, &server->drain_clock) == 0);
    ASSERT(uv_prepare_init(loop, &server->before_sleep) == 0);
    ASSERT(uv_prepare_start(&server->before_sleep, on_before_sleep) == 0);
    return server;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;

    server->handles_open--;
}

// The order libh2o needs: no connection left, then its context, then its configuration; and every
// handle closed by the loop before the memory goes.
void http_server_free(struct http_server **server)
{
    struct http_server *ending = *server;

    *server = NULL;
    if (!ending)
        return;
    while (!list_is_empty(&ending->skipping))
        http_answer_held(LIST_FIRST(&ending->skipping, struct connection, state));
    ASSERT(ending->counts.unanswered == 0);
    http_drain_at_once(ending);
    LIST_EACH (&ending->connections, struct connection, all, connection)
        http_connection_cut(connection);
    while (ending->counts.connections > 0)
        uv_run(ending->loop, UV_RUN_ONCE);
    h2o_context_dispose(&ending->context);
    h2o_config_dispose(&ending->config);
    ending->clock.data = ending->drain_clock.data = ending->before_sleep.data = ending;
    uv_close((uv_handle_t *)&ending->clock, on_handle_closed);
    uv_close((uv_handle_t *)&ending->drain_clock, on_handle_closed);
    uv_close((uv_handle_t *)&ending->before_sleep, on_handle_closed);
    while (ending->handles_open > 0)
        uv_run(ending->loop, UV_RUN_ONCE);
    map_free(&ending->places);
    free(ending);
}

struct http_server_counts http_server_counts(const struct http_server *server)
{
    struct http_server_counts counts = server->counts;

    if (server->listener)
        counts.accept_paused = listener_pauses(server->listener);
    return counts;
}

int http_server_port(const struct http_server *server)
{
    return server->listener ? listener_port(server->listener) : 0;
}

// --- life of a connection ---

// The list's oldest member decides; all on one list have the same time to live.
static uint64_t deadline_of(const struct list *list, uint64_t time_to_live_ms)
{
    if (list_is_empty(list))
        return UINT64_MAX;
    return LIST_FIRST(list, struct connection, state)->since_ms + time_to_live_ms;
}

static void clock_set(struct http_server *server)
{
    uint64_t waiting = deadline_of(&server->waiting, REQUEST_TIMEOUT_MS);
    uint64_t lingering = deadline_of(&server->lingering, LINGER_MS);
    uint64_t skipping = deadline_of(&server->skipping, LINGER_MS);
    uint64_t answering = deadline_of(&server->answering, REQUEST_TIMEOUT_MS);
    uint64_t next = waiting < lingering ? waiting : lingering;
    uint64_t now = uv_now(server->loop);

    next = skipping < next ? skipping : next;
    next = answering < next ? answering : next;
    if (next != UINT64_MAX)
        uv_timer_start(&server->clock, on_clock, next > now ? next - now : 0, 0);
}

static void state_set(struct connection *connection, struct list *state)
{
    if (list_is_linked(&connection->state))
        list_remove(&connection->state);
    connection->since_ms = uv_now(connection->server->loop);
    list_append(state, &connection->state);
    if (state == &connection->server->waiting)
        http_crowd_waits(connection);
    else
        http_crowd_works(connection);
}

static void wait_for_request(struct connection *connection)
{
    state_set(connection, &connection->server->waiting);
    if (!uv_is_active((uv_handle_t *)&connection->server->clock))
        clock_set(connection->server);
}

// libh2o has closed the socket; the handle is closing.
static void on_socket_closed(void *data)
{
    struct connection *connection = data;

    connection->socket = NULL;
    http_crowd_leave(connection);
    if (list_is_linked(&connection->state))
        list_remove(&connection->state);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct connection *connection = CONTAINER_OF(handle, struct connection, tcp);
    struct http_server *server = connection->server;

    list_remove(&connection->all);
    server->counts.connections--;
    if (server->listener)
        listener_resume(server->listener);
    buf_release(&connection->early);
    http_body_forget(connection);
    free(connection);
    http_drain_look(server);
}

static void on_accepted(void *context, int descriptor)
{
    struct http_server *server = context;
    struct connection *connection = heap_new(sizeof *connection);
    const unsigned user_timeout_ms = TCP_USER_TIMEOUT_MS;
    connection->server = server;
    list_append(&server->connections, &connection->all);
    server->counts.accepted++;
    server->counts.connections++;
    ASSERT(uv_tcp_init(server->loop, &connection->tcp) == 0);
    if (!http_crowd_enter(connection, descriptor) ||
        uv_tcp_open(&connection->tcp, descriptor) != 0) {
        http_crowd_leave(connection);
        close(descriptor); // not the handle's yet
        uv_close((uv_handle_t *)&connection->tcp, on_tcp_closed);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
    connection->socket = h2o_uv_socket_create((uv_stream_t *)&connection->tcp, on_tcp_closed);
    connection->socket->on_close.cb = on_socket_closed;
    connection->socket->on_close.data = connection;
    h2o_accept(&server->accept, connection->socket);
    http_connection_listen(connection);
    wait_for_request(connection);
}

void http_connection_listen(struct connection *connection)
{
    connection->h2o_read = connection->tcp.read_cb;
    connection->tcp.read_cb = on_read;
    connection->head_seen = 0;
    connection->head_is_passed = false;
}

// Sends "100 Continue" itself and hides the Expect header from libh2o, which would otherwise answer
// it and replace our read callback. If the socket does not take the line at once, the line is
// dropped; the client then sends without it.
static void leave_give(struct connection *connection, struct str body)
{
    static char leave[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t bytes = uv_buf_init(leave, sizeof leave - 1);
    const char *name = connection->head.expect_name.ptr;
    bool is_waited_for =
        connection->head.wants_leave && (connection->head.chunked || connection->body_left > 0);

    connection->socket->input->bytes[name - connection->socket->input->bytes] = 'x';
    if (is_waited_for && body.len == 0)
        uv_try_write((uv_stream_t *)&connection->tcp, &bytes, 1);
}

static bool is_left_unread(const struct connection *connection)
{
    size_t over = connection->server->options.unread_over;
    return over > 0 &&
           (connection->head.chunked || connection->head.content_length > (int64_t)over);
}

static bool too_large(const struct connection *connection, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the body is longer than %zu bytes",
                   connection->server->options.body_limit);
}

// *length: of the head, if it is complete and valid; 0 if more must come.
static bool head_check(struct connection *connection, struct str input, size_t *length,
                       struct err *err)
{
    struct http_head *head = &connection->head;

    *length = http_head_end(input, connection->head_seen);
    connection->head_seen = input.len;
    if (*length == 0 && input.len <= HTTP_HEAD_LIMIT)
        return true;
    if (!http_head_check(str_make(input.ptr, *length ? *length : input.len), head, err))
        return false;
    if (!is_left_unread(connection) &&
        head->content_length > (int64_t)connection->server->options.body_limit)
        return too_large(connection, err);
    connection->head_is_passed = true;
    connection->body_left = head->content_length > 0 ? (uint64_t)head->content_length : 0;
    connection->chunks = (struct http_chunks){0};
    return true;
}

// *used: how many of these bytes, which follow the head, belong to the body. The data of a chunked
// body that its handler reads is kept.
static bool body_check(struct connection *connection, struct str bytes, size_t *used,
                       struct err *err)
{
    if (!connection->head.chunked) {
        *used = bytes.len < connection->body_left ? bytes.len : (size_t)connection->body_left;
        connection->body_left -= *used;
        return true;
    }
    bool is_unread = is_left_unread(connection);
    if (!http_chunks_read(&connection->chunks, bytes, used,
                          is_unread ? &connection->body.early : NULL, err))
        return false;
    return is_unread || connection->chunks.data <= connection->server->options.body_limit ||
           too_large(connection, err);
}

// Checks the new bytes, and withholds from libh2o what follows this request and a body that the
// handler reads. *count: how many of the new bytes libh2o gets.
static bool bytes_check(struct connection *connection, size_t *count, struct err *err)
{
    h2o_buffer_t *buffer = connection->socket->input;
    struct str input = str_make(buffer->bytes, buffer->size + *count);
    struct str body = str_skip(input, buffer->size);
    size_t length = 0, used;

    if (!connection->head_is_passed) {
        if (connection->head_seen == 0)
            wait_for_request(connection); // its time begins with the first byte
        if (!head_check(connection, input, &length, err))
            return false;
        if (!connection->head_is_passed)
            return true;
        body = str_skip(input, length);
    }
    if (!body_check(connection, body, &used, err))
        return false;
    buf_str_append(&connection->early, str_skip(body, used));
    *count -= body.len - used;
    if (length > 0 && is_left_unread(connection)) {
        http_body_divert(connection, &connection->head, length, used);
        *count -= used;
    } else if (length > 0 && str_present(connection->head.expect_name)) {
        leave_give(connection, body);
    }
    return true;
}

// In front of libh2o's read callback. The bytes are already in its buffer, behind the size it
// knows.
static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct connection *connection = CONTAINER_OF(stream, struct connection, tcp);
    size_t seen = count > 0 ? (size_t)count : 0;
    struct err err;

    if (count > 0 && !bytes_check(connection, &seen, &err)) {
        h2o_buffer_t *input = connection->socket->input;
        connection->server->counts.refused_framing += err.code == ERR_BAD_REQUEST;
        http_refuse(connection, str_make(input->bytes, input->size + (size_t)count), &err);
    } else if (count <= 0 || seen > 0) {
        connection->h2o_read(stream, count > 0 ? (ssize_t)seen : count, buffer);
    }
}

// Bytes that arrived after the previous request are handled now, as if they had just been read.
static void early_read(struct connection *connection)
{
    struct buf early = connection->early;

    connection->early = (struct buf){0};
    h2o_iovec_t room = h2o_buffer_reserve(&connection->socket->input, early.len);
    memcpy(room.base, early.data, early.len);
    on_read((uv_stream_t *)&connection->tcp, (ssize_t)early.len, NULL);
    buf_release(&early);
}

// Answers have as much time as requests, so a clock that runs for an earlier one is early enough.
void http_connection_answers(struct connection *connection)
{
    if (!connection->socket)
        return;
    connection->pace = (struct tcp_progress){0};
    state_set(connection, &connection->server->answering);
    if (!uv_is_active((uv_handle_t *)&connection->server->clock))
        clock_set(connection->server);
}

void http_connection_answered(struct connection *connection)
{
    if (connection->socket)
        state_set(connection, &connection->server->fresh);
}

static void on_before_sleep(uv_prepare_t *prepare)
{
    struct http_server *server = CONTAINER_OF(prepare, struct http_server, before_sleep);

    LIST_EACH (&server->fresh, struct connection, state, connection) {
        http_connection_listen(connection);
        wait_for_request(connection);
        if (connection->early.len > 0)
            early_read(connection);
    }
}

void http_connection_cut(struct connection *connection)
{
    int descriptor;

    if (!connection->socket)
        return;
    // Where libh2o reads, it is told of the end. Where it writes, the write is made to fail.
    if (h2o_socket_is_reading(connection->socket))
        connection->h2o_read((uv_stream_t *)&connection->tcp, UV_EOF, &(uv_buf_t){0});
    else if (uv_fileno((uv_handle_t *)&connection->tcp, &descriptor) == 0)
        shutdown(descriptor, SHUT_RDWR);
}

static void on_read_discarded(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    (void)buffer;
    if (count < 0)
        http_connection_cut(CONTAINER_OF(stream, struct connection, tcp));
}

void http_connection_skip(struct connection *connection)
{
    state_set(connection, &connection->server->skipping);
    clock_set(connection->server);
}

void http_connection_linger(struct connection *connection)
{
    int descriptor;

    connection->tcp.read_cb = on_read_discarded;
    if (uv_fileno((uv_handle_t *)&connection->tcp, &descriptor) == 0)
        shutdown(descriptor, SHUT_WR);
    state_set(connection, &connection->server->lingering);
    clock_set(connection->server);
}

static void request_is_late(struct connection *connection)
{
    bool is_reading = h2o_socket_is_reading(connection->socket);
    bool is_empty = connection->socket->input->size == 0;
    struct err err;

    if (is_empty && is_reading && http_drain_is_spoken_to(connection)) {
        wait_for_request(connection); // it came while this process did not run, and is read next
        return;
    }
    if (is_empty || !is_reading) {
        http_connection_cut(connection);
        return;
    }
    err_set(&err, ERR_REQUEST_TIMEOUT, "the request was not complete after %d s",
            REQUEST_TIMEOUT_MS / 1000);
    h2o_buffer_t *input = connection->socket->input;
    http_refuse(connection, str_make(input->bytes, input->size), &err);
}

static void answer_look(struct connection *connection)
{
    struct http_server *server = connection->server;

    if (http_pace_is_kept(connection)) {
        state_set(connection, &server->answering);
        return;
    }
    server->counts.closed_slow++;
    list_remove(&connection->state);
    http_connection_cut(connection);
}

static void on_clock(uv_timer_t *timer)
{
    struct http_server *server = CONTAINER_OF(timer, struct http_server, clock);
    uint64_t now = uv_now(server->loop);

    while (deadline_of(&server->waiting, REQUEST_TIMEOUT_MS) <= now) {
        struct connection *late = LIST_FIRST(&server->waiting, struct connection, state);
        list_remove(&late->state);
        request_is_late(late);
    }
    while (deadline_of(&server->answering, REQUEST_TIMEOUT_MS) <= now)
        answer_look(LIST_FIRST(&server->answering, struct connection, state));
    while (deadline_of(&server->skipping, LINGER_MS) <= now)
        http_answer_held(LIST_FIRST(&server->skipping, struct connection, state));
    while (deadline_of(&server->lingering, LINGER_MS) <= now) {
        struct connection *lingering = LIST_FIRST(&server->lingering, struct connection, state);
        list_remove(&lingering->state);
        http_connection_cut(lingering);
    }
    clock_set(server);
}
