// http_request: one request, from libh2o to the handler and back.
#include "io/http_server/http_h2o.h"

#include "base/panic.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static struct str str_of_iovec(h2o_iovec_t bytes)
{
    return str_make(bytes.base, bytes.len);
}

// The request's memory is freed: it was answered, or its connection broke meanwhile.
static void on_disposed(void *memory)
{
    struct http_request *request = memory;

    http_stream_free(&request->connection->stream);
    arena_free(&request->arena);
    http_connection_answered(request->connection);
}

int http_request_take(h2o_handler_t *handler, h2o_req_t *h2o)
{
    struct connection *connection = h2o->conn->callbacks->get_socket(h2o->conn)->on_close.data;
    struct http_server *server = connection->server;
    struct http_request *request = h2o_mem_alloc_shared(&h2o->pool, sizeof *request, on_disposed);
    struct err err;

    (void)handler;
    *request = (struct http_request){.h2o = h2o, .connection = connection};
    list_remove(&connection->state);
    http_crowd_works(connection);
    server->counts.unanswered++;
    ASSERT(connection->head_is_passed); // on_read() of http_server.c lets no other byte pass
    if (h2o->entity.len > server->options.body_limit) {
        err_set(&err, ERR_TOO_LARGE, "the body is longer than %zu bytes",
                server->options.body_limit);
        http_refuse_request(request, &err);
    } else {
        server->options.handle(server->options.context, request);
    }
    return 0;
}

struct str http_method(const struct http_request *request)
{
    return str_of_iovec(request->h2o->method);
}

struct str http_path(const struct http_request *request)
{
    struct http_target target;

    return http_target_cut(str_of_iovec(request->h2o->input.path), &target) ? target.path
                                                                            : STR_ABSENT;
}

struct str http_query(const struct http_request *request)
{
    struct http_target target;

    return http_target_cut(str_of_iovec(request->h2o->input.path), &target) ? target.query
                                                                            : STR_ABSENT;
}

struct str http_header(const struct http_request *request, const char *lower_case_name)
{
    const h2o_headers_t *headers = &request->h2o->headers;

    if (strcmp(lower_case_name, "host") == 0) // libh2o keeps it elsewhere
        return str_of_iovec(request->h2o->authority);
    ssize_t found = h2o_find_header_by_str(headers, lower_case_name, strlen(lower_case_name), -1);
    return found < 0 ? STR_ABSENT : str_of_iovec(headers->entries[found].value);
}

struct str http_header_lines(struct http_request *request, const char *lower_case_name)
{
    const h2o_headers_t *headers = &request->h2o->headers;
    struct str all = STR_ABSENT;

    for (ssize_t at = -1;;) {
        at = h2o_find_header_by_str(headers, lower_case_name, strlen(lower_case_name), at);
        if (at < 0)
            return all;
        struct str line = str_of_iovec(headers->entries[at].value);
        all = str_present(all)
                  ? arena_printf(http_arena(request), "%.*s,%.*s", STR_ARG(all), STR_ARG(line))
                  : line;
    }
}

struct str http_body(const struct http_request *request)
{
    return str_make(request->h2o->entity.base ? request->h2o->entity.base : "",
                    request->h2o->entity.len);
}

struct str http_peer(struct http_request *request)
{
    struct sockaddr_storage address;
    const h2o_conn_t *connection = request->h2o->conn;

    if (request->peer[0] == '\0' &&
        connection->callbacks->get_peername(request->h2o->conn, (struct sockaddr *)&address) > 0)
        uv_ip_name((struct sockaddr *)&address, request->peer, sizeof request->peer);
    struct str peer = str_of(request->peer);
    const struct str mapped = STR("::ffff:"); // IPv4 on a socket that takes both
    return str_starts(peer, mapped) ? str_skip(peer, mapped.len) : peer;
}

bool http_is_spare(const struct http_request *request)
{
    return request->connection->is_spare;
}

struct arena *http_arena(struct http_request *request)
{
    if (!request->arena)
        request->arena = arena_new();
    return request->arena;
}

const char *http_reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 425: return "Too Early";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Status";
    }
}

// A value may come from a client's body, so it must not contain a line end.
static h2o_iovec_t header_value_copy(h2o_mem_pool_t *pool, struct str value)
{
    h2o_iovec_t copy = h2o_strdup(pool, value.len ? value.ptr : "", value.len);

    for (size_t i = 0; i < copy.len; i++)
        if ((unsigned char)copy.base[i] < 0x20 || copy.base[i] == 0x7f)
            copy.base[i] = ' ';
    return copy;
}

void http_header_add(h2o_req_t *h2o, const char *name, struct str value)
{
    h2o_iovec_t copy = header_value_copy(&h2o->pool, value);

    h2o_add_header_by_str(&h2o->pool, &h2o->res.headers, name, strlen(name), 1, NULL, copy.base,
                          copy.len);
}

void http_answer_add(struct http_answer *answer, const char *name, struct str value)
{
    size_t count = 0;

    while (count < HTTP_ANSWER_HEADERS && answer->headers[count].name)
        count++;
    ASSERT(count < HTTP_ANSWER_HEADERS);
    answer->headers[count] = (struct http_header_line){.name = name, .value = value};
}

bool http_answer_has(const struct http_answer *answer, const char *name)
{
    for (size_t i = 0; i < HTTP_ANSWER_HEADERS && answer->headers[i].name; i++)
        if (strcmp(answer->headers[i].name, name) == 0)
            return true;
    return false;
}

static bool may_have_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

void http_head_set(h2o_req_t *h2o, const struct http_answer *answer, size_t length)
{
    h2o->res.status = answer->status;
    h2o->res.reason = http_reason(answer->status);
    h2o->res.content_length = may_have_body(answer->status) ? length : SIZE_MAX;
    if (str_present(answer->content_type))
        http_header_add(h2o, "content-type", answer->content_type);
    for (size_t i = 0; i < COUNT_OF(answer->headers) && answer->headers[i].name; i++)
        http_header_add(h2o, answer->headers[i].name, answer->headers[i].value);
}

static void answer_send(struct http_request *request, const struct http_answer *answer)
{
    h2o_req_t *h2o = request->h2o;
    struct connection *connection = request->connection;
    bool has_failed = connection->body.has_failed;

    connection->server->counts.unanswered--;
    http_head_set(h2o, answer, answer->length ? answer->length : answer->body.len);
    bool is_last =
        connection->server->drain != HTTP_DRAIN_NOT && !http_drain_is_spoken_to(connection);
    if (answer->close || connection->body.left > 0 || is_last)
        h2o->http1_is_persistent = 0;
    http_body_forget(connection);
    http_connection_answers(connection);
    h2o_send_inline(h2o, answer->body.len ? answer->body.ptr : "", answer->body.len);
    if (has_failed)
        http_refused_write_notify(connection);
}

void http_answer(struct http_request *request, const struct http_answer *answer)
{
    struct arena *arena;

    http_body_stop(request);
    if (!http_body_is_on_its_way(request->connection)) {
        answer_send(request, answer);
        return;
    }
    arena = http_arena(request);
    request->held = ARENA_ALLOC(arena, struct http_answer);
    *request->held = *answer;
    request->held->body = arena_copy(arena, answer->body);
    request->held->content_type = arena_copy(arena, answer->content_type);
    for (size_t i = 0; i < COUNT_OF(answer->headers) && answer->headers[i].name; i++)
        request->held->headers[i].value = arena_copy(arena, answer->headers[i].value);
    http_body_skip(request);
}

void http_answer_held(struct connection *connection)
{
    struct http_request *request = connection->skipping;

    connection->skipping = NULL;
    list_remove(&connection->state);
    http_body_stop(request);
    answer_send(request, request->held);
}

void http_close(struct http_request *request)
{
    http_body_stop(request);
    request->connection->body.has_failed = true; // nobody waits for the rest
    http_connection_cut(request->connection);    // so that nothing of this answer leaves
    http_answer(request, &(struct http_answer){.status = 500, .close = true});
}
