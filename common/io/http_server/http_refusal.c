// http_refusal: answers that no handler gives: to requests that on_read() of http_server.c refuses,
// and to those that libh2o refuses by itself.
#include "io/http_server/http_h2o.h"

#include "base/panic.h"

#include <uv.h>

static void render(struct http_server *server, const struct http_glance *asked,
                   const struct err *err, struct buf *body, struct str *content_type)
{
    if (server->options.render_error) {
        server->options.render_error(server->options.context, asked, err, body, content_type);
        return;
    }
    *content_type = STR("text/plain; charset=utf-8");
    buf_str_append(body, str_of(err->text));
}

// libh2o knows nothing of this answer: it is written beside it, on a connection that has no other
// answer under way, and then libh2o is told that the client has gone.
void http_refuse(struct connection *connection, struct str input, const struct err *err)
{
    struct http_glance asked = http_head_glance(input);
    AUTO(buf) body = {0};
    AUTO(buf) answer = {0};
    struct str content_type = STR_ABSENT;
    int status = err_http_status(err->code);

    render(connection->server, &asked, err, &body, &content_type);
    buf_printf(&answer,
               "HTTP/1.1 %d %s\r\nServer: nexus\r\nConnection: close\r\nContent-Length: %zu\r\n"
               "cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
               "content-type: %.*s\r\n\r\n",
               status, http_reason(status), body.len, STR_ARG(content_type));
    buf_str_append(&answer, buf_str(&body));
    uv_buf_t bytes = uv_buf_init(answer.data, (unsigned)answer.len);
    // It fits into the socket's empty buffer; otherwise the client sees a closed connection.
    if (uv_try_write((uv_stream_t *)&connection->tcp, &bytes, 1) == (int)answer.len)
        http_connection_linger(connection);
    else
        http_connection_cut(connection);
}

static struct http_glance glance_of(h2o_req_t *h2o)
{
    struct http_target target;
    ssize_t accept = h2o_find_header(&h2o->headers, H2O_TOKEN_ACCEPT, -1);

    if (!http_target_cut(str_make(h2o->input.path.base, h2o->input.path.len), &target))
        return (struct http_glance){0};
    return (struct http_glance){.method = str_make(h2o->input.method.base, h2o->input.method.len),
                                .path = target.path,
                                .accept = accept < 0
                                              ? STR_ABSENT
                                              : str_make(h2o->headers.entries[accept].value.base,
                                                         h2o->headers.entries[accept].value.len)};
}

void http_refuse_request(struct http_request *request, const struct err *err)
{
    AUTO(buf) body = {0};
    struct http_answer answer = {.status = err_http_status(err->code), .close = true};
    struct http_glance asked = glance_of(request->h2o);

    render(request->connection->server, &asked, err, &body, &answer.content_type);
    answer.body = buf_str(&body);
    http_answer(request, &answer);
}

struct refusal_filter {
    h2o_filter_t super;
    struct http_server *server;
};

struct refusal_body {
    h2o_ostream_t super;
    h2o_iovec_t body;
};

static void body_replace(h2o_ostream_t *stream, h2o_req_t *h2o, h2o_iovec_t *bytes, size_t count,
                         h2o_send_state_t state)
{
    struct refusal_body *refusal = CONTAINER_OF(stream, struct refusal_body, super);

    (void)bytes; // libh2o's words; none for HEAD
    h2o_ostream_send_next(stream, h2o, &refusal->body, count ? 1 : 0, state);
}

static void on_refusal(h2o_filter_t *filter, h2o_req_t *h2o, h2o_ostream_t **slot)
{
    struct http_server *server = CONTAINER_OF(filter, struct refusal_filter, super)->server;
    struct refusal_body *refusal =
        CONTAINER_OF(h2o_add_ostream(h2o, sizeof *refusal, slot), struct refusal_body, super);
    AUTO(buf) body = {0};
    struct str content_type = STR_ABSENT;
    struct err err;

    if (h2o->res.status == 413)
        err_set(&err, ERR_TOO_LARGE, "the body is longer than %zu bytes",
                server->options.body_limit);
    else
        err_set(&err, ERR_BAD_REQUEST, "%s",
                h2o->res.status == 417 ? "the Expect header is not 100-continue"
                                       : "the body's chunked encoding is broken");
    struct http_glance asked = glance_of(h2o);
    render(server, &asked, &err, &body, &content_type);
    refusal->super.do_send = body_replace;
    refusal->body = h2o_strdup(&h2o->pool, body.data, body.len);
    h2o->res.status = err_http_status(err.code);
    h2o->res.reason = http_reason(h2o->res.status);
    h2o->res.content_length = body.len;
    h2o->res.headers = (h2o_headers_t){0};
    content_type.ptr = h2o_strdup(&h2o->pool, content_type.ptr, content_type.len).base;
    h2o_add_header(&h2o->pool, &h2o->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, content_type.ptr,
                   content_type.len);
    http_header_add(h2o, "cache-control", STR("no-store"));
    http_header_add(h2o, "x-content-type-options", STR("nosniff"));
    h2o_setup_next_ostream(h2o, &refusal->super.next);
}

// The handler takes every path, so a request that reaches the host's fallback was refused.
void http_refusal_filter(h2o_hostconf_t *host, struct http_server *server)
{
    struct refusal_filter *filter = CONTAINER_OF(
        h2o_create_filter(&host->fallback_path, sizeof *filter), struct refusal_filter, super);

    filter->super.on_setup_ostream = on_refusal;
    filter->server = server;
}
