// http_client against a server in the same loop, which sends the answer that each test sets.
#include "io/http_client/http_client.h"

#include "io/tcp/address.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    uv_loop_t loop;
    uv_tcp_t listener;
    struct address_ranges *allow;
    struct http_client *client;
    char url[64];
    // what the server does
    struct str answer;    // sent when a whole request was received; absent: nothing
    bool closes;          // afterwards
    unsigned connections; // that were accepted
    struct buf received;
    // what the client reported
    unsigned answers;
    struct http_client_answer last;
    struct buf last_body;
    unsigned repeat; // further requests to make, one after the other
};

struct peer {
    uv_tcp_t socket;
    struct fixture *fixture;
    struct buf request;
};

static void peer_closed(uv_handle_t *handle)
{
    struct peer *peer = CONTAINER_OF(handle, struct peer, socket);
    buf_release(&peer->request);
    free(peer);
}

static void peer_allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *room)
{
    (void)wanted;
    struct peer *peer = CONTAINER_OF(handle, struct peer, socket);
    *room = uv_buf_init(buf_reserve(&peer->request, 65536), 65536);
}

static bool is_whole(struct str request)
{
    const char *body = memmem(request.ptr, request.len, "\r\n\r\n", 4);
    if (!body)
        return false;
    const char *length = memmem(request.ptr, request.len, "Content-Length: ", 16);
    size_t wanted = length ? strtoul(length + 16, NULL, 10) : 0;
    return request.len - (size_t)(body + 4 - request.ptr) >= wanted;
}

static void peer_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *room)
{
    (void)room;
    struct peer *peer = CONTAINER_OF((uv_tcp_t *)stream, struct peer, socket);
    struct fixture *fixture = peer->fixture;
    if (count < 0) {
        uv_close((uv_handle_t *)stream, peer_closed);
        return;
    }
    peer->request.len += (size_t)count;
    if (!is_whole(buf_str(&peer->request)))
        return;
    buf_str_append(&fixture->received, buf_str(&peer->request));
    buf_clear(&peer->request);
    for (struct str rest = fixture->answer; rest.len > 0;) {
        uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)rest.ptr, (unsigned)rest.len);
        int written = uv_try_write(stream, &bytes, 1);
        if (written < 0)
            break;
        rest = str_skip(rest, (size_t)written);
    }
    if (fixture->closes)
        uv_close((uv_handle_t *)stream, peer_closed);
}

static void peer_accept(uv_stream_t *listener, int status)
{
    cr_assert(eq(int, status, 0));
    struct fixture *fixture = CONTAINER_OF((uv_tcp_t *)listener, struct fixture, listener);
    struct peer *peer = calloc(1, sizeof *peer);
    peer->fixture = fixture;
    fixture->connections++;
    uv_tcp_init(&fixture->loop, &peer->socket);
    uv_accept(listener, (uv_stream_t *)&peer->socket);
    uv_read_start((uv_stream_t *)&peer->socket, peer_allocate, peer_read);
}

static void fixture_open(struct fixture *fixture, const char *allow)
{
    *fixture = (struct fixture){.answer = STR_ABSENT};
    struct err err;
    fixture->allow = address_ranges_parse(str_of(allow), &err);
    uv_loop_init(&fixture->loop);
    uv_tcp_init(&fixture->loop, &fixture->listener);
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_bind(&fixture->listener, (const struct sockaddr *)&address, 0);
    uv_listen((uv_stream_t *)&fixture->listener, 16, peer_accept);
    int length = sizeof address;
    uv_tcp_getsockname(&fixture->listener, (struct sockaddr *)&address, &length);
    snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%d/hook",
             ntohs(address.sin_port));
    fixture->client = http_client_new(&fixture->loop, &(struct http_client_options){
                                                          .allow = fixture->allow,
                                                          .connections_limit = 16,
                                                          .connections_per_host = 8,
                                                          .user_agent = "test",
                                                      });
}

static void fixture_close(struct fixture *fixture)
{
    http_client_free(&fixture->client);
    uv_close((uv_handle_t *)&fixture->listener, NULL);
    while (uv_run(&fixture->loop, UV_RUN_DEFAULT) != 0)
        continue; // an earlier uv_stop() ends one run
    cr_assert(eq(int, uv_loop_close(&fixture->loop), 0), "a handle is still open");
    address_ranges_free(&fixture->allow);
    buf_release(&fixture->received);
    buf_release(&fixture->last_body);
}

static void answered(void *context, const struct http_client_answer *answer);

static void post(struct fixture *fixture, const char *url, int64_t timeout_ms)
{
    struct http_client_header headers[] = {{STR("Content-Type"), STR("application/json")},
                                           {STR("X-Mine"), STR("7")}};
    http_client_post(fixture->client, str_of(url), headers, 2, STR("{\"a\":1}"), timeout_ms,
                     answered, fixture);
}

static void answered(void *context, const struct http_client_answer *answer)
{
    struct fixture *fixture = context;
    fixture->answers++;
    fixture->last = *answer;
    buf_clear(&fixture->last_body);
    buf_str_append(&fixture->last_body, answer->body);
    if (fixture->repeat > 0) {
        fixture->repeat--;
        post(fixture, fixture->url, 5000);
        return;
    }
    uv_stop(&fixture->loop);
}

Test(http_client, posts_the_body_and_headers_and_reports_status_and_answer)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    fixture.answer = STR("HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\ndone");

    post(&fixture, fixture.url, 5000);
    cr_assert(eq(u32, fixture.answers, 0), "never from inside the call");
    uv_run(&fixture.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_ANSWERED));
    cr_assert(eq(int, fixture.last.status, 201));
    cr_assert(str_equal(buf_str(&fixture.last_body), STR("done")));
    const char *received = buf_c_string(&fixture.received);
    cr_assert(ne(ptr, strstr(received, "POST /hook HTTP/1.1\r\n"), NULL));
    cr_assert(ne(ptr, strstr(received, "X-Mine: 7\r\n"), NULL));
    cr_assert(ne(ptr, strstr(received, "\r\n\r\n{\"a\":1}"), NULL));
    fixture_close(&fixture);
}

Test(http_client, keeps_one_connection_for_many_requests)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    fixture.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    fixture.repeat = 50;

    post(&fixture, fixture.url, 5000);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);

    cr_assert(eq(u32, fixture.answers, 51));
    cr_assert(eq(u32, fixture.connections, 1));
    fixture_close(&fixture);
}

Test(http_client, reads_retry_after)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    fixture.answer = STR("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");

    post(&fixture, fixture.url, 5000);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, fixture.last.status, 503));
    cr_assert(eq(i64, fixture.last.retry_after_s, 7));
    fixture_close(&fixture);
}

Test(http_client, follows_no_redirect)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    fixture.answer = STR("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");

    post(&fixture, fixture.url, 5000);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, fixture.last.status, 302));
    cr_assert(eq(i64, fixture.last.retry_after_s, -1));
    fixture_close(&fixture);
}

Test(http_client, is_uncertain_when_the_server_closes_without_an_answer)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    fixture.closes = true;

    post(&fixture, fixture.url, 5000);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_UNCERTAIN));
    cr_assert(eq(u32, fixture.connections, 1));
    fixture_close(&fixture);
}

static void on_pipe_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    uv_close((uv_handle_t *)poll, NULL);
}

// When a watch is closed, libuv removes its descriptor from the poller, even if that descriptor now
// belongs to another watch.
Test(http_client, does_not_disturb_a_new_watch_with_the_descriptor_of_a_closed_connection)
{
    enum { PIPES = 16 };
    struct fixture fixture;
    int pipes[PIPES][2];
    uv_poll_t polls[PIPES];
    fixture_open(&fixture, "127.0.0.0/8");
    fixture.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    fixture.closes = true;
    post(&fixture, fixture.url, 5000);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    for (size_t i = 0; i < PIPES; i++) {
        cr_assert(eq(int, pipe(pipes[i]), 0));
        uv_poll_init(&fixture.loop, &polls[i], pipes[i][0]);
        uv_poll_start(&polls[i], UV_READABLE, on_pipe_readable);
    }
    uv_run(&fixture.loop, UV_RUN_NOWAIT); // libuv adds them to its poller

    http_client_free(&fixture.client);

    for (size_t i = 0; i < PIPES; i++)
        cr_assert(eq(i64, write(pipes[i][1], "x", 1), 1));
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    for (size_t i = 0; i < PIPES; i++)
        cr_expect(uv_is_closing((uv_handle_t *)&polls[i]), "no event of descriptor %d",
                  pipes[i][0]);
    fixture_close(&fixture);
    for (size_t i = 0; i < PIPES; i++) {
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
}

Test(http_client, never_repeats_a_request_by_itself_on_a_fresh_connection)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    fixture.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    post(&fixture, fixture.url, 5000);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    fixture.answer = STR_ABSENT;
    fixture.closes = true;

    post(&fixture, fixture.url, 5000); // on the connection that is kept
    uv_run(&fixture.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_UNCERTAIN));
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    const char *second = strstr(buf_c_string(&fixture.received) + 10, "POST ");
    cr_assert(ne(ptr, (void *)(uintptr_t)second, NULL));
    cr_assert(eq(ptr, strstr(second + 5, "POST "), NULL), "the request was sent a third time");
    fixture_close(&fixture);
}

Test(http_client, is_uncertain_when_the_answer_is_cut_off_or_late)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    fixture.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    fixture.closes = true;

    post(&fixture, fixture.url, 5000);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_UNCERTAIN));
    cr_assert(eq(int, fixture.last.status, 200), "the status line was whole");

    fixture.answer = STR_ABSENT;
    fixture.closes = false;
    post(&fixture, fixture.url, 2000);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_UNCERTAIN));
    cr_assert(eq(int, fixture.last.status, 0), "there was no status line");
    cr_assert(ge(i64, fixture.last.duration_us, 1900000));
    fixture_close(&fixture);
}

Test(http_client, is_not_sent_when_the_port_is_closed)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");

    post(&fixture, "http://127.0.0.1:1/", 5000);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_NOT_SENT));
    fixture_close(&fixture);
}

Test(http_client, is_not_sent_when_the_server_does_not_speak_tls)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    AUTO(buf) url = {0};
    buf_printf(&url, "https%s", fixture.url + 4);

    post(&fixture, buf_c_string(&url), 300);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_NOT_SENT));
    fixture_close(&fixture);
}

Test(http_client, opens_no_socket_to_an_address_that_is_not_allowed)
{
    struct fixture fixture;
    fixture_open(&fixture, "");
    static const char *const urls[] = {"http://localhost:%s/", "http://2130706433:%s/",
                                       "http://0x7f.1:%s/", "http://[::ffff:127.0.0.1]:%s/",
                                       "http://0:%s/"};

    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        AUTO(buf) url = {0};
        struct str prefix;
        struct str rest;
        str_cut(str_of(urls[i]), '%', &prefix, &rest);
        buf_str_append(&url, prefix);
        buf_str_append(&url, str_of(strrchr(fixture.url, ':') + 1));
        post(&fixture, buf_c_string(&url), 5000);
        uv_run(&fixture.loop, UV_RUN_DEFAULT);
        cr_expect(eq(int, fixture.last.outcome, HTTP_CLIENT_FORBIDDEN), "%s", urls[i]);
    }
    cr_assert(eq(u32, fixture.connections, 0));
    fixture_close(&fixture);
}

Test(http_client, refuses_urls_with_a_user_and_other_schemes)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    static const char *const urls[] = {"http://user:word@127.0.0.1/", "file:///etc/passwd",
                                       "gopher://127.0.0.1/", "http://", "nonsense://x"};

    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        post(&fixture, urls[i], 5000);
        uv_run(&fixture.loop, UV_RUN_DEFAULT);
        cr_expect(eq(int, fixture.last.outcome, HTTP_CLIENT_FORBIDDEN), "%s", urls[i]);
    }
    fixture_close(&fixture);
}

Test(http_client, cuts_an_answer_at_64_kib_and_still_knows_its_status)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    AUTO(buf) answer = {0};
    buf_printf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    memset(buf_reserve(&answer, 100000), 'x', 100000);
    answer.len += 100000;
    fixture.answer = buf_str(&answer);

    post(&fixture, fixture.url, 5000);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_ANSWERED));
    cr_assert(eq(int, fixture.last.status, 200));
    cr_assert(eq(sz, fixture.last_body.len, 65536));
    fixture_close(&fixture);
}

Test(http_client, abort_all_ends_all_requests_at_once)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    post(&fixture, fixture.url, 5000);
    post(&fixture, fixture.url, 5000);
    cr_assert(eq(sz, http_client_in_flight(fixture.client), 2));

    http_client_abort_all(fixture.client);

    cr_assert(eq(u32, fixture.answers, 2));
    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_NOT_SENT));
    cr_assert(eq(sz, http_client_in_flight(fixture.client), 0));
    fixture_close(&fixture);
}

static bool permit_is_withdrawn(void *context)
{
    (void)context;
    return false;
}

Test(http_client, sends_nothing_of_a_request_whose_permit_was_withdrawn)
{
    struct fixture fixture;
    fixture_open(&fixture, "127.0.0.0/8");
    fixture.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

    http_client_post_if(fixture.client, str_of(fixture.url), NULL, 0, STR("{}"), 5000,
                        &(struct http_client_permit){.may_leave = permit_is_withdrawn}, answered,
                        &fixture);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_WITHDRAWN));
    cr_assert(eq(u32, fixture.connections, 1));
    cr_assert(eq(sz, fixture.received.len, 0));
    fixture_close(&fixture);
}

// The ranges that a request of the next tests may reach beside the public internet.
static struct address_ranges *grants;

static const struct address_ranges *granted(void *context)
{
    (void)context;
    return grants;
}

static void post_granted(struct fixture *fixture, const char *ranges)
{
    struct err err;

    grants = address_grants_parse(str_of(ranges), &err);
    http_client_post_if(fixture->client, str_of(fixture->url), NULL, 0, STR("{}"), 5000,
                        &(struct http_client_permit){.granted = granted}, answered, fixture);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    address_ranges_free(&grants);
}

Test(http_client, reaches_granted_addresses_and_names_the_rule_that_forbids_others)
{
    struct fixture fixture;
    fixture_open(&fixture, "");
    fixture.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

    post_granted(&fixture, "127.0.0.0/8");
    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_ANSWERED));
    cr_assert(eq(u32, fixture.connections, 1));

    // The connection of the first request is still open; the second may not use it.
    post_granted(&fixture, "10.0.0.0/8");
    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_FORBIDDEN));
    cr_assert(
        eq(str, (char *)fixture.last.reason, "the address is not allowed (127.0.0.0/8, loopback)"));
    post_granted(&fixture, "127.0.0.0/8:1");
    cr_assert(eq(int, fixture.last.outcome, HTTP_CLIENT_FORBIDDEN));
    cr_assert(eq(str, (char *)fixture.last.reason,
                 "the address is not allowed (granted at another port only)"));
    cr_assert(eq(u32, fixture.connections, 1));
    const char *received = buf_c_string(&fixture.received);
    cr_assert(eq(ptr, strstr(strstr(received, "POST") + 1, "POST"), NULL),
              "only one request was received");
    fixture_close(&fixture);
}
