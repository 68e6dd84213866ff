// The HTTP server over real sockets: the server runs in a child process, the test is its client.
// That the child ends with status 0 says that every handle, connection and byte was given back.
#include "io/http_server.h"

#include "base/clock.h"
#include "base/list.h"
#include "io/address.h"
#include "io/http_framing.h"
#include "tests/unit/io/http_probes.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { BODY_LIMIT = 1000, CONNECTIONS_LIMIT = 50, ADDRESS_LIMIT = 20 };

// --- the child ---

struct child {
    uv_loop_t loop;
    uv_signal_t stop;
    uv_timer_t later;
    struct http_server *server;
    struct http_request *parked;
    struct http_stream *stream;
    int streams_closed, overflows;
};

static void counts_answer(struct child *child, struct http_request *request)
{
    struct http_server_counts counts = http_server_counts(child->server);
    AUTO(buf) body = {0};

    buf_printf(&body,
               "accepted=%d refused=%d paused=%d connections=%zu address=%d full=%d "
               "streams_closed=%d overflows=%d",
               (int)counts.accepted, (int)counts.refused_framing, (int)counts.accept_paused,
               counts.connections, (int)counts.closed_address, (int)counts.closed_full,
               child->streams_closed, child->overflows);
    http_answer(request, &(struct http_answer){.status = 200,
                                               .content_type = STR("text/plain"),
                                               .body = buf_str(&body)});
}

static void on_later(uv_timer_t *timer)
{
    struct child *child = timer->data;

    http_answer(child->parked, &(struct http_answer){.status = 200, .body = STR("late")});
    child->parked = NULL;
}

static void on_stream_closed(void *context)
{
    struct child *child = context;

    child->stream = NULL;
    child->streams_closed++;
}

static void stream_flood(struct child *child)
{
    static const char block[65536];

    while (child->stream && http_stream_write(child->stream, str_make(block, sizeof block)))
        ;
    child->overflows++;
    http_stream_end(child->stream);
    child->stream = NULL;
}

static void handle(void *context, struct http_request *request)
{
    struct child *child = context;
    struct str path = http_path(request);

    if (str_equal(path, STR("/counts"))) {
        counts_answer(child, request);
    } else if (str_equal(path, STR("/later"))) {
        child->parked = request;
        uv_timer_start(&child->later, on_later, 200, 0);
    } else if (str_equal(path, STR("/close"))) {
        http_close(request);
    } else if (str_equal(path, STR("/stream")) || str_equal(path, STR("/flood"))) {
        bool floods = str_equal(path, STR("/flood"));
        child->stream =
            http_stream_start(request, STR("text/event-stream"), on_stream_closed, child);
        if (floods)
            stream_flood(child);
        else
            cr_assert(http_stream_write(child->stream, STR("data: 1\n\n")));
    } else if (str_equal(path, STR("/say"))) {
        struct str text =
            arena_printf(http_arena(request), "%.*s %.*s?%.*s from %.*s to %.*s",
                         STR_ARG(http_method(request)), STR_ARG(path), STR_ARG(http_query(request)),
                         STR_ARG(http_peer(request)), STR_ARG(http_header(request, "host")));
        http_answer(request,
                    &(struct http_answer){.status = 200,
                                          .body = text,
                                          .headers = {{"x-echo", http_header(request, "x-note")},
                                                      {"x-injected", STR("a\r\nset-cookie: b")}}});
    } else {
        http_answer(request, &(struct http_answer){.status = 200, .body = http_body(request)});
    }
}

static void render(void *context, const struct http_glance *asked, const struct err *err,
                   struct buf *body, struct str *content_type)
{
    (void)context;
    (void)asked;
    *content_type = STR("application/problem+json");
    json_open(body, '{');
    json_key_str(body, "code", err_name(err->code));
    json_key_str(body, "detail", str_of(err->text));
    json_close(body, '}');
}

static void on_stop(uv_signal_t *handle, int number)
{
    struct child *child = handle->data;

    (void)number;
    http_server_drain(child->server, 0);
    uv_stop(&child->loop);
}

static int child_main(int port_pipe, int descriptors_limit)
{
    struct child child = {0};
    struct err err;
    struct address_ranges *proxies = address_ranges_parse(STR("127.0.0.1/32"), &err);

    if (descriptors_limit)
        setrlimit(RLIMIT_NOFILE,
                  &(struct rlimit){(rlim_t)descriptors_limit, (rlim_t)descriptors_limit});
    uv_loop_init(&child.loop);
    uv_signal_init(&child.loop, &child.stop);
    uv_timer_init(&child.loop, &child.later);
    child.stop.data = child.later.data = &child;
    uv_signal_start(&child.stop, on_stop, SIGTERM);
    child.server =
        http_server_new(&child.loop,
                        &(struct http_server_options){.host = "127.0.0.1",
                                                      .body_limit = BODY_LIMIT,
                                                      .connections_limit = CONNECTIONS_LIMIT,
                                                      .connections_of_address = ADDRESS_LIMIT,
                                                      .trusted = proxies,
                                                      .handle = handle,
                                                      .render_error = render,
                                                      .context = &child},
                        &err);
    int port = child.server ? http_server_port(child.server) : 0;
    if (write(port_pipe, &port, sizeof port) != sizeof port)
        return 1;
    close(port_pipe);
    uv_run(&child.loop, UV_RUN_DEFAULT);
    http_server_free(&child.server);
    address_ranges_free(&proxies);
    uv_close((uv_handle_t *)&child.stop, NULL);
    uv_close((uv_handle_t *)&child.later, NULL);
    uv_run(&child.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&child.loop) == 0 ? 0 : 2;
}

// --- the client ---

static pid_t server;
static int server_port;

static void server_start_limited(int descriptors_limit)
{
    int pipe_ends[2];

    signal(SIGPIPE, SIG_IGN);
    cr_assert(eq(int, pipe(pipe_ends), 0));
    server = fork();
    if (server == 0) {
        close(pipe_ends[0]);
        exit(child_main(pipe_ends[1], descriptors_limit));
    }
    close(pipe_ends[1]);
    cr_assert(eq(int, (int)read(pipe_ends[0], &server_port, sizeof server_port), 4));
    close(pipe_ends[0]);
    cr_assert(gt(int, server_port, 0));
}

static void server_start(void)
{
    server_start_limited(0);
}

static double server_stop_and_count_cpu_s(void)
{
    struct rusage usage = {0};
    int status = -1;

    kill(server, SIGTERM);
    wait4(server, &status, 0, &usage);
    cr_expect(eq(int, status, 0), "the server did not end clean");
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void server_stop(void)
{
    (void)server_stop_and_count_cpu_s();
}

static int client_new_from(const char *own)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert(ge(int, client, 0));
    cr_assert(eq(int, inet_pton(AF_INET, own, &here.sin_addr), 1));
    cr_assert(eq(int, bind(client, (struct sockaddr *)&here, sizeof here), 0));
    cr_assert(eq(int, connect(client, (struct sockaddr *)&address, sizeof address), 0));
    return client;
}

static int client_new(void)
{
    return client_new_from("127.0.0.1");
}

static void client_send(int client, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t count = send(client, bytes.ptr, bytes.len, 0);
        if (count < 0)
            return;
        bytes = str_skip(bytes, (size_t)count);
    }
}

enum reading { UNTIL_CLOSED, UNTIL_WHOLE };

static bool answer_is_whole(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");

    return end && length && strlen(end + 4) >= strtoul(length + 16, NULL, 10);
}

// What came within wait_ms; *closed says whether the server ended the connection.
static const char *client_receive(int client, struct buf *bytes, enum reading until, int wait_ms,
                                  bool *closed)
{
    int64_t deadline = clock_monotonic_ms() + wait_ms;

    *closed = false;
    for (;;) {
        if (until == UNTIL_WHOLE && answer_is_whole(buf_c_string(bytes)))
            return bytes->data;
        int64_t left = deadline - clock_monotonic_ms();
        struct pollfd readable = {.fd = client, .events = POLLIN};
        if (left <= 0 || poll(&readable, 1, (int)left) <= 0)
            return buf_c_string(bytes);
        ssize_t count = recv(client, buf_reserve(bytes, 65536), 65536, 0);
        if (count <= 0) {
            *closed = true;
            return buf_c_string(bytes);
        }
        bytes->len += (size_t)count;
    }
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static int counted(const char *name)
{
    AUTO(buf) bytes = {0};
    bool closed;
    int client = client_new();

    client_send(client, STR("GET /counts HTTP/1.1\r\nHost: nexus\r\n\r\n"));
    const char *found = strstr(client_receive(client, &bytes, UNTIL_WHOLE, 3000, &closed), name);
    close(client);
    cr_assert(found != NULL, "no %s", name);
    return (int)strtol(found + strlen(name) + 1, NULL, 10);
}

TestSuite(http_server, .init = server_start, .fini = server_stop, .timeout = 60);

Test(http_server, answers_and_keeps_the_connection)
{
    int client = client_new();
    bool closed;

    for (int i = 0; i < 3; i++) {
        AUTO(buf) bytes = {0};
        client_send(client, STR("GET /say?a=b HTTP/1.1\r\nHost: nexus\r\nX-Note: hi\r\n\r\n"));
        const char *answer = client_receive(client, &bytes, UNTIL_WHOLE, 3000, &closed);

        cr_assert(starts(answer, "HTTP/1.1 200 OK\r\n"), "%s", answer);
        cr_expect(has(answer, "GET /say?a=b from 127.0.0.1 to nexus"));
        cr_expect(has(answer, "x-echo: hi\r\n"));
        cr_expect(not(has(answer, "\nset-cookie")));
        cr_expect(has(answer, "Server: nexus\r\n"));
        cr_expect(not(closed));
    }
    close(client);
    cr_expect(eq(int, counted("refused"), 0));
}

Test(http_server, answers_pipelined_requests_in_order)
{
    int client = client_new();
    AUTO(buf) bytes = {0};
    bool closed;

    client_send(client, STR("GET /later HTTP/1.1\r\nHost: n\r\n\r\n"
                            "POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 5\r\n\r\nfirst"
                            "POST /c HTTP/1.1\r\nHost: n\r\nConnection: close\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n"));
    const char *answer = client_receive(client, &bytes, UNTIL_CLOSED, 3000, &closed);

    const char *late = strstr(answer, "late");
    const char *first = late ? strstr(late, "first") : NULL;
    cr_expect(first && strstr(first, "second"), "%s", answer);
    cr_expect(closed);
    close(client);
}

Test(http_server, refuses_ambiguous_framing_at_once_and_closes)
{
    for (size_t i = 0; i < COUNT_OF(probes); i++) {
        int client = client_new();
        AUTO(buf) bytes = {0};
        bool closed;

        client_send(client, probes[i].head);
        const char *answer = client_receive(client, &bytes, UNTIL_CLOSED, 1500, &closed);

        cr_expect(starts(answer, "HTTP/1.1 400 Bad Request\r\n"), "%s: %s", probes[i].name, answer);
        cr_expect(has(answer, "{\"code\":\"bad_request\""), "%s", probes[i].name);
        cr_expect(closed, "%s", probes[i].name);
        close(client);
    }
    cr_expect(eq(int, counted("refused"), (int)COUNT_OF(probes)));
}

Test(http_server, refuses_ambiguous_framing_of_a_pipelined_request)
{
    for (size_t i = 0; i < COUNT_OF(probes); i++) {
        int client = client_new();
        AUTO(buf) bytes = {0};
        AUTO(buf) sent = {0};
        bool closed;

        buf_str_append(&sent, STR("POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 5\r\n\r\nfirst"));
        buf_str_append(&sent, probes[i].head);
        buf_str_append(&sent, STR("abcde0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: n\r\n\r\n"));
        client_send(client, buf_str(&sent));
        shutdown(client, SHUT_WR);
        const char *answer = client_receive(client, &bytes, UNTIL_CLOSED, 3000, &closed);

        const char *second = starts(answer, "HTTP/1.1 200") ? strstr(answer, "first") : NULL;
        cr_expect(second && (second[5] == '\0' || starts(second + 5, "HTTP/1.1 400")), "%s: %s",
                  probes[i].name, answer);
        cr_expect(closed, "%s", probes[i].name);
        close(client);
    }
}

Test(http_server, refuses_chunks_that_are_not_exactly_chunks)
{
    static const char *const before[] = {
        "", "POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 5\r\n\r\nfirst"};

    for (size_t i = 0; i < COUNT_OF(chunk_probes) * 2; i++) {
        const struct probe *probe = &chunk_probes[i / 2];
        int client = client_new();
        AUTO(buf) bytes = {0};
        AUTO(buf) sent = {0};
        bool closed;

        buf_printf(&sent, "%s" CHUNKED, before[i % 2]);
        buf_str_append(&sent, probe->head);
        buf_str_append(&sent, STR("GET /smuggled HTTP/1.1\r\nHost: n\r\n\r\n"));
        client_send(client, buf_str(&sent));
        const char *answer = client_receive(client, &bytes, UNTIL_CLOSED, 3000, &closed);

        const char *refusal = i % 2 ? strstr(answer, "first") : answer - 5;
        cr_expect(refusal && starts(refusal + 5, "HTTP/1.1 400"), "%s: %s", probe->name, answer);
        cr_expect(not(has(answer, "smuggled")), "%s", probe->name);
        cr_expect(closed, "%s", probe->name);
        close(client);
    }
}

Test(http_server, reads_chunks_as_strictly_after_it_gave_leave_to_send_them)
{
    int client = client_new();
    AUTO(buf) bytes = {0};
    bool closed;

    client_send(client, STR(POST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"));
    client_receive(client, &bytes, UNTIL_CLOSED, 200, &closed);
    cr_assert(starts(buf_c_string(&bytes), "HTTP/1.1 100 Continue\r\n\r\n"), "%s", bytes.data);
    client_send(client, STR("5\nhello\r\n0\r\n\r\n"));
    const char *answer = client_receive(client, &bytes, UNTIL_CLOSED, 3000, &closed);

    cr_assert(has(answer, "HTTP/1.1 400 Bad Request"), "%s", answer);
    cr_assert(closed);
    close(client);
}

Test(http_server, a_url_as_target_is_its_path)
{
    int client = client_new();
    AUTO(buf) bytes = {0};
    bool closed;

    client_send(client, STR("GET http://nexus/say?a=b HTTP/1.1\r\nHost: nexus\r\n\r\n"));
    const char *answer = client_receive(client, &bytes, UNTIL_WHOLE, 3000, &closed);

    cr_assert(has(answer, "GET /say?a=b from 127.0.0.1 to nexus"), "%s", answer);
    close(client);
}

Test(http_server, reads_bodies_in_any_pieces)
{
    static const struct str requests[] = {
        STR_INIT("POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 11\r\n\r\nhello world"),
        STR_INIT("POST /b HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n")};
    bool closed;

    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        int client = client_new();
        AUTO(buf) bytes = {0};

        for (size_t at = 0; at < requests[i].len; at++) {
            client_send(client, str_make(requests[i].ptr + at, 1));
            poll(NULL, 0, 1);
        }
        const char *answer = client_receive(client, &bytes, UNTIL_WHOLE, 3000, &closed);
        cr_expect(starts(answer, "HTTP/1.1 200"), "%s", answer);
        cr_expect(has(answer, "\r\n\r\nhello world"), "%s", answer);
        close(client);
    }
}

static void body_send(int client, size_t length, bool chunked)
{
    AUTO(buf) request = {0};

    buf_str_append(&request, STR("POST /b HTTP/1.1\r\nHost: n\r\n"));
    if (chunked)
        buf_printf(&request, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", length);
    else
        buf_printf(&request, "Content-Length: %zu\r\n\r\n", length);
    memset(buf_reserve(&request, length), 'a', length);
    request.len += length;
    if (chunked)
        buf_str_append(&request, STR("\r\n0\r\n\r\n"));
    client_send(client, buf_str(&request));
}

Test(http_server, takes_a_body_of_the_limit_and_refuses_a_longer_one)
{
    bool closed;

    for (int chunked = 0; chunked <= 1; chunked++) {
        AUTO(buf) bytes = {0};
        int client = client_new();
        body_send(client, BODY_LIMIT, chunked);
        cr_expect(
            starts(client_receive(client, &bytes, UNTIL_WHOLE, 3000, &closed), "HTTP/1.1 200"));
        close(client);

        buf_clear(&bytes);
        client = client_new();
        body_send(client, BODY_LIMIT + 1, chunked);
        const char *answer = client_receive(client, &bytes, UNTIL_CLOSED, 3000, &closed);
        cr_expect(starts(answer, "HTTP/1.1 413"), "%s", answer);
        cr_expect(has(answer, "{\"code\":\"too_large\""), "%s", answer);
        cr_expect(closed);
        close(client);
    }
}

Test(http_server, lets_a_client_that_sends_far_too_much_read_its_refusal)
{
    int client = client_new();
    AUTO(buf) bytes = {0};
    bool closed;

    body_send(client, 8 * 1024 * 1024, false);
    const char *answer = client_receive(client, &bytes, UNTIL_CLOSED, 5000, &closed);

    cr_expect(starts(answer, "HTTP/1.1 413"), "%s", answer);
    close(client);
}

Test(http_server, refuses_broken_chunks_and_unknown_expectations)
{
    static const struct str requests[] = {
        STR_INIT("POST /b HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        STR_INIT("POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 1\r\nExpect: cake\r\n\r\na")};

    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        int client = client_new();
        AUTO(buf) bytes = {0};
        bool closed;

        client_send(client, requests[i]);
        const char *answer = client_receive(client, &bytes, UNTIL_CLOSED, 3000, &closed);
        cr_expect(starts(answer, "HTTP/1.1 400"), "%s", answer);
        cr_expect(has(answer, "{\"code\":\"bad_request\""), "%s", answer);
        cr_expect(closed);
        close(client);
    }
}

Test(http_server, refuses_a_head_over_its_limit_before_it_is_complete)
{
    int client = client_new();
    AUTO(buf) bytes = {0};
    AUTO(buf) head = {0};
    bool closed;

    buf_str_append(&head, STR("GET / HTTP/1.1\r\nHost: n\r\nX: "));
    while (head.len < HTTP_HEAD_LIMIT)
        buf_byte(&head, 'a');
    client_send(client, buf_str(&head));
    cr_expect(eq(str, (char *)client_receive(client, &bytes, UNTIL_CLOSED, 300, &closed), ""));
    client_send(client, STR("a"));
    const char *answer = client_receive(client, &bytes, UNTIL_CLOSED, 3000, &closed);

    cr_expect(starts(answer, "HTTP/1.1 431"), "%s", answer);
    cr_expect(closed);
    close(client);
}

Test(http_server, invites_the_body_that_waits_for_100_continue)
{
    int client = client_new();
    AUTO(buf) bytes = {0};
    bool closed;

    client_send(client, STR("POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 2\r\n"
                            "Expect: 100-continue\r\n\r\n"));
    cr_assert(starts(client_receive(client, &bytes, UNTIL_CLOSED, 300, &closed),
                     "HTTP/1.1 100 Continue\r\n\r\n"));
    client_send(client, STR("ok"));
    const char *answer = client_receive(client, &bytes, UNTIL_WHOLE, 3000, &closed);

    cr_expect(has(answer, "HTTP/1.1 200 OK"), "%s", answer);
    close(client);
}

Test(http_server, answers_head_without_a_body)
{
    int client = client_new();
    AUTO(buf) bytes = {0};
    bool closed;

    client_send(client, STR("HEAD /say HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n"));
    const char *answer = client_receive(client, &bytes, UNTIL_CLOSED, 3000, &closed);

    cr_expect(starts(answer, "HTTP/1.1 200"));
    cr_expect(not(has(answer, "Content-Length: 0")), "%s", answer);
    cr_expect(answer[bytes.len - 4] == '\r' &&
              strstr(answer, "\r\n\r\n") == answer + bytes.len - 4);
    close(client);
}

Test(http_server, cuts_slow_and_idle_clients_after_ten_seconds)
{
    int dripping = client_new(), body = client_new(), idle = client_new();
    AUTO(buf) bytes = {0};
    bool closed;
    int64_t started = clock_monotonic_ms();

    client_send(dripping, STR("GET / HTTP/1.1\r\nHost: n\r\nX: "));
    client_send(body, STR("POST / HTTP/1.1\r\nHost: n\r\nContent-Length: 100\r\n\r\n"));
    while (clock_monotonic_ms() < started + 9000) {
        client_send(dripping, STR("a"));
        client_send(body, STR("a"));
        poll(NULL, 0, 250);
    }
    cr_expect(
        starts(client_receive(dripping, &bytes, UNTIL_CLOSED, 2000, &closed), "HTTP/1.1 408"));
    cr_expect(closed);
    buf_clear(&bytes);
    cr_expect(starts(client_receive(body, &bytes, UNTIL_CLOSED, 2000, &closed), "HTTP/1.1 408"));
    buf_clear(&bytes);
    (void)client_receive(idle, &bytes, UNTIL_CLOSED, 2000, &closed);
    cr_expect(eq(sz, bytes.len, 0));
    cr_expect(closed);
    cr_expect(lt(i64, clock_monotonic_ms() - started, 12000));
    close(dripping);
    close(body);
    close(idle);
}

Test(http_server, drops_the_answer_to_a_client_that_has_gone)
{
    for (int i = 0; i < 3; i++) {
        int client = client_new();
        client_send(client, STR("GET /later HTTP/1.1\r\nHost: n\r\n\r\n"));
        poll(NULL, 0, 50);
        struct linger reset = {.l_onoff = 1};
        if (i == 1)
            setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(client);
        poll(NULL, 0, 300);
    }
    cr_expect(eq(int, counted("connections"), 1));
}

Test(http_server, can_end_a_connection_without_an_answer)
{
    int client = client_new();
    AUTO(buf) bytes = {0};
    bool closed;

    client_send(client, STR("GET /close HTTP/1.1\r\nHost: n\r\n\r\n"));
    (void)client_receive(client, &bytes, UNTIL_CLOSED, 3000, &closed);
    cr_expect(eq(sz, bytes.len, 0));
    cr_expect(closed);
    close(client);
}

Test(http_server, streams_and_notices_that_the_reader_has_gone)
{
    int client = client_new();
    AUTO(buf) bytes = {0};
    bool closed;

    client_send(client, STR("GET /stream HTTP/1.1\r\nHost: n\r\n\r\n"));
    const char *answer = client_receive(client, &bytes, UNTIL_CLOSED, 300, &closed);
    cr_expect(has(answer, "content-type: text/event-stream"), "%s", answer);
    cr_expect(has(answer, "data: 1\n\n"), "%s", answer);
    cr_expect(not(closed));
    cr_expect(eq(int, counted("streams_closed"), 0));

    close(client);
    poll(NULL, 0, 100);
    cr_expect(eq(int, counted("streams_closed"), 1));
    cr_expect(eq(int, counted("connections"), 1));
}

// Found with event streams: libuv refuses the last piece where reading failed, and nobody told libh2o.
Test(http_server, lets_go_of_a_stream_whose_reader_reset_the_connection)
{
    for (int i = 0; i < 3; i++) {
        struct linger reset = {.l_onoff = 1};
        int client = client_new();
        client_send(client, STR("GET /stream HTTP/1.1\r\nHost: n\r\n\r\n"));
        poll(NULL, 0, 50);
        setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(client);
        poll(NULL, 0, 100);
    }
    cr_expect(eq(int, counted("streams_closed"), 3));
    cr_expect(eq(int, counted("connections"), 1));
}

Test(http_server, bounds_what_waits_for_a_slow_reader)
{
    int client = client_new();
    AUTO(buf) bytes = {0};
    bool closed;

    client_send(client, STR("GET /flood HTTP/1.1\r\nHost: n\r\n\r\n"));
    poll(NULL, 0, 200);
    cr_expect(eq(int, counted("overflows"), 1));
    client_receive(client, &bytes, UNTIL_CLOSED, 3000, &closed);
    cr_expect(closed);
    cr_expect(gt(sz, bytes.len, 256 * 1024 - 65536));
    close(client);
}

Test(http_server, ends_streams_and_idle_connections_when_it_stops)
{
    int idle = client_new(), stream = client_new();

    client_send(stream, STR("GET /stream HTTP/1.1\r\nHost: n\r\n\r\n"));
    client_send(idle, STR("GET / HTTP/1.1\r\nHo"));
    poll(NULL, 0, 100);
    // server_stop() asserts the clean end, with both still open
}

static bool is_closed(int client)
{
    AUTO(buf) bytes = {0};
    bool closed;

    (void)client_receive(client, &bytes, UNTIL_CLOSED, 300, &closed);
    return closed;
}

Test(http_server, closes_the_oldest_idle_connection_when_it_is_full)
{
    int clients[CONNECTIONS_LIMIT + 10];
    AUTO(buf) bytes = {0};
    bool closed;
    int last = CONNECTIONS_LIMIT + 9;

    for (int i = 0; i <= last; i++)
        clients[i] = client_new();
    client_send(clients[last], STR("GET /counts HTTP/1.1\r\nHost: n\r\n\r\n"));
    const char *answer = client_receive(clients[last], &bytes, UNTIL_WHOLE, 3000, &closed);
    cr_expect(starts(answer, "HTTP/1.1 200"), "%s", answer);
    cr_expect(has(answer, "full=10 "), "%s", answer);
    cr_expect(is_closed(clients[0]));
    cr_expect(is_closed(clients[9]));
    cr_expect(not(is_closed(clients[10])));
    for (int i = 0; i <= last; i++)
        close(clients[i]);
}

Test(http_server, closes_an_address_s_own_idle_connections_over_its_share)
{
    int clients[ADDRESS_LIMIT + 3], neighbour = client_new();
    AUTO(buf) bytes = {0};
    bool closed;

    for (size_t i = 0; i < COUNT_OF(clients); i++)
        clients[i] = client_new_from("127.0.0.2");
    client_send(neighbour, STR("GET /counts HTTP/1.1\r\nHost: n\r\n\r\n"));
    const char *answer = client_receive(neighbour, &bytes, UNTIL_WHOLE, 3000, &closed);
    cr_expect(has(answer, "address=3 full=0 "), "%s", answer);
    cr_expect(is_closed(clients[0]));
    cr_expect(not(is_closed(clients[3])));
    for (size_t i = 0; i < COUNT_OF(clients); i++)
        close(clients[i]);
    close(neighbour);
}

Test(descriptors, running_out_closes_idle_ones_without_spinning, .timeout = 60)
{
    int clients[60];
    AUTO(buf) bytes = {0};
    bool closed;

    server_start_limited(30);
    for (size_t i = 0; i < COUNT_OF(clients); i++)
        clients[i] = client_new();
    poll(NULL, 0, 2000);
    for (size_t i = 0; i + 1 < COUNT_OF(clients); i++)
        close(clients[i]);
    int last = clients[COUNT_OF(clients) - 1];
    client_send(last, STR("GET /counts HTTP/1.1\r\nHost: n\r\n\r\n"));
    const char *answer = client_receive(last, &bytes, UNTIL_WHOLE, 3000, &closed);

    cr_expect(starts(answer, "HTTP/1.1 200"), "%s", answer);
    cr_expect(not(has(answer, "paused=0 ")), "%s", answer);
    close(last);
    cr_expect(lt(dbl, server_stop_and_count_cpu_s(), 0.5));
}
