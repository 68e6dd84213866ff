// http_body: a body that is read by its handler, past libh2o.
//
// libh2o does not read while the handler has a request, so this file owns the socket until the
// answer. Nothing is read while the handler does not ask for bytes; then the kernel's buffers fill
// and the client waits.
#include "io/http_server/http_h2o.h"

#include "base/panic.h"

static void overwrite(char *input, struct str where, const char *with)
{
    memcpy(input + (where.ptr - input), with, where.len);
}

static void chunks_look(struct connection *connection)
{
    struct unread_body *body = &connection->body;

    body->left =
        connection->chunks.at == CHUNKS_ENDED ? (int64_t)body->early.len : HTTP_BODY_UNKNOWN;
}

void http_body_divert(struct connection *connection, const struct http_head *head, size_t head_len,
                      size_t early_len)
{
    struct unread_body *body = &connection->body;
    char *input = connection->socket->input->bytes;

    body->waits_for_leave = head->wants_leave;
    if (head->chunked) {
        body->is_chunked = true;
        chunks_look(connection);
        overwrite(input, head->coding_name, "x-transfer-coding");
    } else {
        body->left = head->content_length;
        buf_append(&body->early, input + head_len, early_len);
        overwrite(input, head->length_digits, "000000000000000");
    }
    if (str_present(head->expect_name))
        overwrite(input, head->expect_name, "x-want"); // libh2o would send 100 Continue at once
}

void http_body_forget(struct connection *connection)
{
    buf_release(&connection->body.early);
    connection->body = (struct unread_body){0};
}

int64_t http_body_left(const struct http_request *request)
{
    return request->connection->body.left;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct connection *connection = CONTAINER_OF(handle, struct connection, tcp);
    int64_t left = connection->body.left;

    (void)suggested;
    // Never past the end of a body whose length is known: libh2o must read the next request.
    *buffer = uv_buf_init(connection->server->incoming,
                          left < HTTP_PIECE_BYTES ? (unsigned)left : HTTP_PIECE_BYTES);
}

static void give(struct connection *connection, struct str bytes, const struct err *err)
{
    http_body_fn *got = connection->body.got;

    connection->body.got = NULL;
    got(connection->body.context, bytes, err);
}

static void early_give(struct connection *connection)
{
    AUTO(buf) early = connection->body.early;

    connection->body.early = (struct buf){0};
    if (connection->body.left != HTTP_BODY_UNKNOWN)
        connection->body.left -= (int64_t)early.len;
    give(connection, buf_str(&early), NULL);
}

// What follows the body is the next request.
static void chunks_heard(struct connection *connection, struct str bytes)
{
    struct unread_body *body = &connection->body;
    size_t used;
    struct err err;

    if (!http_chunks_read(&connection->chunks, bytes, &used, &body->early, &err)) {
        uv_read_stop((uv_stream_t *)&connection->tcp);
        body->has_failed = true;
        give(connection, STR(""), &err);
        return;
    }
    buf_str_append(&connection->early, str_skip(bytes, used));
    chunks_look(connection);
    if (body->early.len > 0 || body->left == 0) {
        uv_read_stop((uv_stream_t *)&connection->tcp);
        early_give(connection);
    }
}

static void on_heard(uv_stream_t *tcp, ssize_t count, const uv_buf_t *buffer)
{
    struct connection *connection = CONTAINER_OF(tcp, struct connection, tcp);
    struct err err;

    if (count == 0)
        return;
    if (count > 0 && connection->body.is_chunked) {
        chunks_heard(connection, str_make(buffer->base, (size_t)count));
        return;
    }
    uv_read_stop(tcp);
    if (count < 0) {
        connection->body.ended_early = true;
        connection->body.has_failed = count != UV_EOF;
        err_set(&err, ERR_BAD_REQUEST,
                connection->body.is_chunked ? "the body ended before its last chunk"
                                            : "the body ended before its Content-Length");
        give(connection, STR(""), &err);
        return;
    }
    connection->body.left -= count;
    give(connection, str_make(buffer->base, (size_t)count), NULL);
}

static bool leave_give(struct connection *connection)
{
    char leave[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t bytes = uv_buf_init(leave, sizeof leave - 1);

    connection->body.waits_for_leave = false;
    return uv_try_write((uv_stream_t *)&connection->tcp, &bytes, 1) == (int)bytes.len;
}

void http_body_read(struct http_request *request, http_body_fn *got, void *context)
{
    struct connection *connection = request->connection;
    struct unread_body *body = &connection->body;
    struct err err;

    ASSERT(body->left > 0 && !body->got);
    body->got = got;
    body->context = context;
    if (body->early.len > 0) {
        early_give(connection);
    } else if (body->ended_early || (body->waits_for_leave && !leave_give(connection)) ||
               uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_heard) != 0) {
        body->ended_early = body->has_failed = true;
        err_set(&err, ERR_BAD_REQUEST, "the client has gone");
        give(connection, STR(""), &err);
    }
}

void http_body_stop(struct http_request *request)
{
    struct connection *connection = request->connection;

    if (connection->body.got)
        uv_read_stop((uv_stream_t *)&connection->tcp);
    connection->body.got = NULL;
}

bool http_body_is_on_its_way(const struct connection *connection)
{
    const struct unread_body *body = &connection->body;

    // A client that waits for 100 Continue sends nothing before it reads the answer.
    return connection->socket && body->left > 0 && !body->ended_early && !body->has_failed &&
           !body->waits_for_leave;
}

// A client that is still sending does not read the answer, and would lose it if the connection were
// closed.
static void skipped(void *context, struct str bytes, const struct err *err)
{
    struct http_request *request = context;

    (void)bytes;
    if (err || request->connection->body.left == 0)
        http_answer_held(request->connection);
    else
        http_body_read(request, skipped, request);
}

void http_body_skip(struct http_request *request)
{
    request->connection->skipping = request;
    http_connection_skip(request->connection);
    http_body_read(request, skipped, request);
}
