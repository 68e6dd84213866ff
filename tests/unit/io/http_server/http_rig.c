#include "tests/unit/io/http_server/http_rig.h"

#include "base/clock.h"
#include "base/list.h"
#include "io/tcp/address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { PATIENCE_MS = 60 * 1000 };

// --- the child ---

struct child {
    uv_loop_t loop;
    uv_signal_t stop;
    uv_timer_t later;
    struct http_server *server;
    struct http_request *parked;
    struct http_stream *stream;
    int parked_ever, answered_late, streams_closed, overflows;
};

static void counts_answer(struct child *child, struct http_request *request)
{
    struct http_server_counts counts = http_server_counts(child->server);
    AUTO(buf) body = {0};

    buf_printf(&body,
               "accepted=%d refused=%d paused=%d connections=%zu address=%d full=%d "
               "slow=%d parked=%d late=%d streams_closed=%d overflows=%d",
               (int)counts.accepted, (int)counts.refused_framing, (int)counts.accept_paused,
               counts.connections, (int)counts.closed_address, (int)counts.closed_full,
               (int)counts.closed_slow, child->parked_ever, child->answered_late,
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
    child->answered_late++;
}

// After a pause, and after the timers that became due meanwhile.
static void on_resumed(uv_timer_t *timer)
{
    struct child *child = timer->data;
    char text[32];

    snprintf(text, sizeof text, "%zu", http_server_counts(child->server).connections);
    http_answer(child->parked, &(struct http_answer){.status = 200, .body = str_of(text)});
    child->parked = NULL;
}

static void on_pause(uv_timer_t *timer)
{
    poll(NULL, 0, 1500);
    uv_update_time(timer->loop);
    uv_timer_start(timer, on_resumed, 1, 0);
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
        child->parked_ever++;
        uv_timer_start(&child->later, on_later, 200, 0);
    } else if (str_equal(path, STR("/pause"))) {
        child->parked = request;
        http_server_drain(child->server, 0);
        uv_timer_start(&child->later, on_pause, 200, 0);
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

void http_rig_start_limited(int descriptors_limit)
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

void http_rig_start(void)
{
    http_rig_start_limited(0);
}

double http_rig_cpu_s(void)
{
    struct timespec used = {0};
    clockid_t clock;

    cr_assert(eq(int, clock_getcpuclockid(server, &clock), 0));
    cr_assert(eq(int, clock_gettime(clock, &used), 0));
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

void http_rig_stop(void)
{
    int status = -1;

    kill(server, SIGTERM);
    waitpid(server, &status, 0);
    cr_expect(eq(int, status, 0), "the server did not end cleanly");
}

static int client_open(const char *own)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert(ge(int, client, 0));
    cr_assert(eq(int, inet_pton(AF_INET, own, &here.sin_addr), 1));
    cr_assert(eq(int, bind(client, (struct sockaddr *)&here, sizeof here), 0));
    return client;
}

static int client_connect(int client)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    cr_assert(eq(int, connect(client, (struct sockaddr *)&address, sizeof address), 0));
    return client;
}

int client_new_from(const char *own)
{
    return client_connect(client_open(own));
}

int client_new_narrow(void)
{
    int client = client_open("127.0.0.1");

    setsockopt(client, IPPROTO_TCP, TCP_MAXSEG, &(int){1000}, sizeof(int));
    setsockopt(client, SOL_SOCKET, SO_RCVBUF, &(int){8192}, sizeof(int));
    return client_connect(client);
}

int client_new(void)
{
    return client_new_from("127.0.0.1");
}

void client_send(int client, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t count = send(client, bytes.ptr, bytes.len, 0);
        if (count < 0)
            return;
        bytes = str_skip(bytes, (size_t)count);
    }
}

static bool answer_is_whole(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");

    return end && length && strlen(end + 4) >= strtoul(length + 16, NULL, 10);
}

enum reading { UNTIL_CLOSED, UNTIL_WHOLE, UNTIL_TEXT };

static const char *receive(int client, struct buf *bytes, enum reading until, const char *text,
                           int wait_ms, bool *closed)
{
    int64_t deadline = clock_monotonic_ms() + wait_ms;

    *closed = false;
    for (;;) {
        const char *so_far = buf_c_string(bytes);
        if ((until == UNTIL_WHOLE && answer_is_whole(so_far)) ||
            (until == UNTIL_TEXT && strstr(so_far, text)))
            return so_far;
        int64_t left = deadline - clock_monotonic_ms();
        struct pollfd readable = {.fd = client, .events = POLLIN};
        if (left <= 0 || poll(&readable, 1, (int)left) <= 0)
            return so_far;
        ssize_t count = recv(client, buf_reserve(bytes, 65536), 65536, 0);
        if (count <= 0) {
            *closed = true;
            return buf_c_string(bytes);
        }
        bytes->len += (size_t)count;
    }
}

const char *client_receive(int client, struct buf *bytes)
{
    bool closed;

    return receive(client, bytes, UNTIL_WHOLE, NULL, PATIENCE_MS, &closed);
}

const char *client_receive_text(int client, struct buf *bytes, const char *text)
{
    bool closed;

    return receive(client, bytes, UNTIL_TEXT, text, PATIENCE_MS, &closed);
}

const char *client_receive_all(int client, struct buf *bytes)
{
    bool closed;
    const char *all = receive(client, bytes, UNTIL_CLOSED, NULL, PATIENCE_MS, &closed);

    cr_expect(closed, "the server did not close the connection; it sent: %s", all);
    return all;
}

bool client_is_left_alone(int client)
{
    AUTO(buf) bytes = {0};
    bool closed;

    receive(client, &bytes, UNTIL_CLOSED, NULL, 200, &closed);
    return !closed && bytes.len == 0;
}

bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

int counted(const char *name)
{
    AUTO(buf) bytes = {0};
    int client = client_new();

    client_send(client, STR("GET /counts HTTP/1.1\r\nHost: nexus\r\n\r\n"));
    const char *found = strstr(client_receive(client, &bytes), name);
    close(client);
    cr_assert(found != NULL, "no %s", name);
    return (int)strtol(found + strlen(name) + 1, NULL, 10);
}

void wait_until_counted(const char *name, int wanted)
{
    int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;
    int value = counted(name);

    while (value != wanted && clock_monotonic_ms() < deadline) {
        poll(NULL, 0, 10);
        value = counted(name);
    }
    cr_assert(eq(int, value, wanted), "%s", name);
}
