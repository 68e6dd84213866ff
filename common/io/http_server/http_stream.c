// http_stream: an answer that goes on. libh2o takes one piece at a time and says when the kernel
// has it; what comes meanwhile waits in one buffer.
#include "io/http_server/http_h2o.h"

#include "base/heap.h"
#include "base/panic.h"

struct http_stream {
    h2o_generator_t generator;
    struct http_request *request;
    struct list link; // on the server's streams while open
    void (*closed)(void *context);
    void (*drained)(void *context); // NULL: nobody asks
    void *context;
    struct buf waiting, sending;
    bool is_open; // its owner may write, and has not been told of an end
    bool is_in_flight;
    bool is_finished; // the last piece is with libh2o, or the connection has gone
    char ignored[1024];
};

struct http_stream *http_stream_of(struct list *link)
{
    return CONTAINER_OF(link, struct http_stream, link);
}

// libh2o ignores the result of uv_write(). After a failed read libuv refuses to write, at once and
// without a callback, and libh2o would wait for that callback and keep the connection for ever. So
// it is told here.
void http_refused_write_notify(struct connection *connection)
{
    h2o_socket_t *socket = connection->socket;
    h2o_socket_cb written = socket ? socket->_cb.write : NULL;

    if (!written || uv_is_writable((uv_stream_t *)&connection->tcp))
        return;
    socket->_cb.write = NULL;
    written(socket, "the client has gone");
}

// A caller must not use the stream afterwards: with the last piece, the stream and its connection
// may be freed.
static void advance(struct http_stream *stream)
{
    if (stream->is_in_flight || stream->is_finished)
        return;
    if (stream->waiting.len > 0) {
        struct buf sent = stream->sending;
        stream->sending = stream->waiting;
        stream->waiting = sent;
        buf_clear(&stream->waiting);
        h2o_iovec_t bytes = h2o_iovec_init(stream->sending.data, stream->sending.len);
        stream->is_in_flight = true;
        h2o_send(stream->request->h2o, &bytes, 1, H2O_SEND_STATE_IN_PROGRESS);
    } else if (!stream->is_open) {
        stream->is_finished = true;
        struct connection *connection = stream->request->connection;
        h2o_send(stream->request->h2o, NULL, 0, H2O_SEND_STATE_FINAL);
        http_refused_write_notify(connection);
    }
}

static void stop_listing(struct http_stream *stream)
{
    stream->is_open = false;
    list_remove(&stream->link);
}

// Ends a stream whose owner did not end it, and tells the owner.
static void end_unasked(struct http_stream *stream)
{
    if (!stream->is_open)
        return;
    stop_listing(stream);
    buf_clear(&stream->waiting);
    stream->closed(stream->context);
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *h2o)
{
    struct http_stream *stream = CONTAINER_OF(generator, struct http_stream, generator);

    (void)h2o;
    stream->is_in_flight = false;
    if (stream->drained && stream->is_open && stream->waiting.len == 0)
        stream->drained(stream->context); // and that may be its end
    else
        advance(stream);
}

static void on_stop(h2o_generator_t *generator, h2o_req_t *h2o)
{
    struct http_stream *stream = CONTAINER_OF(generator, struct http_stream, generator);

    (void)h2o;
    stream->is_finished = true;
    end_unasked(stream);
}

// libh2o does not read while it answers, so it would learn only from a write that the client is
// gone. We read instead; bytes that a client sends during a stream are ignored.
static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct connection *connection = CONTAINER_OF(handle, struct connection, tcp);

    (void)suggested;
    *buffer = uv_buf_init(connection->stream->ignored, sizeof connection->stream->ignored);
}

static void on_heard(uv_stream_t *tcp, ssize_t count, const uv_buf_t *buffer)
{
    struct connection *connection = CONTAINER_OF(tcp, struct connection, tcp);

    (void)buffer;
    if (count >= 0)
        return;
    uv_read_stop(tcp);
    if (count == UV_EOF && connection->stream->drained)
        return; // the client asks for no more, but still reads what it asked for
    end_unasked(connection->stream);
    advance(connection->stream); // now, or when the piece in flight has failed
}

static struct http_stream *stream_new(struct http_request *request, struct list *list,
                                      void (*closed)(void *context), void *context)
{
    struct connection *connection = request->connection;
    struct http_stream *stream = heap_new(sizeof *stream);
    *stream = (struct http_stream){.generator = {.proceed = on_proceed, .stop = on_stop},
                                   .request = request,
                                   .closed = closed,
                                   .context = context,
                                   .is_open = true};
    connection->stream = stream;
    list_append(list, &stream->link);
    connection->server->counts.unanswered--;
    http_connection_answers(connection);
    return stream;
}

struct http_stream *http_download_start(struct http_request *request,
                                        const struct http_answer *head, size_t length,
                                        void (*drained)(void *context),
                                        void (*closed)(void *context), void *context)
{
    struct connection *connection = request->connection;
    h2o_req_t *h2o = request->h2o;
    struct http_stream *stream =
        stream_new(request, &connection->server->downloads, closed, context);

    stream->drained = drained;
    h2o->http1_is_persistent = 0;
    http_head_set(h2o, head, length);
    h2o_start_response(h2o, &stream->generator);
    uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_heard);
    return stream;
}

struct http_stream *http_stream_start(struct http_request *request, struct str content_type,
                                      void (*closed)(void *context), void *context)
{
    struct connection *connection = request->connection;
    h2o_req_t *h2o = request->h2o;
    struct http_stream *stream = stream_new(request, &connection->server->streams, closed, context);

    h2o->res.status = 200;
    h2o->res.reason = http_reason(200);
    h2o->http1_is_persistent = 0;
    http_header_add(h2o, "content-type", content_type);
    http_header_add(h2o, "cache-control", STR("no-store"));
    http_header_add(h2o, "x-content-type-options", STR("nosniff"));
    http_header_add(h2o, "x-accel-buffering", STR("no")); // for proxies of nginx's kind
    h2o_start_response(h2o, &stream->generator);
    // libh2o sends the head with the first piece: an empty event comment, so that it leaves now.
    buf_str_append(&stream->waiting, STR(":\n\n"));
    advance(stream);
    uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_heard);
    return stream;
}

bool http_stream_write(struct http_stream *stream, struct str bytes)
{
    ASSERT(stream->is_open);
    if (stream->waiting.len + bytes.len > STREAM_BACKLOG_LIMIT)
        return false;
    buf_str_append(&stream->waiting, bytes);
    advance(stream);
    return true;
}

void http_stream_end(struct http_stream *stream)
{
    ASSERT(stream->is_open);
    stop_listing(stream);
    advance(stream);
}

void http_stream_cut(struct http_stream *stream)
{
    ASSERT(stream->is_open);
    stop_listing(stream);
    buf_clear(&stream->waiting);
    advance(stream);
}

void http_stream_drain(struct http_stream *stream)
{
    end_unasked(stream);
    advance(stream);
}

void http_stream_free(struct http_stream **stream)
{
    struct http_stream *ending = *stream;

    *stream = NULL;
    if (!ending)
        return;
    end_unasked(ending);
    buf_release(&ending->waiting);
    buf_release(&ending->sending);
    free(ending);
}
