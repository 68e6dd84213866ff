// What http_client promises, against a server in the same loop that says what each test scripts.
#include "io/http_client.h"

#include "io/address.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

struct scene {
    uv_loop_t loop;
    uv_tcp_t listener;
    struct address_ranges *allow;
    struct http_client *client;
    char url[64];
    // the server's script
    struct str says;      // once a whole request is there; absent: nothing
    bool hangs_up;        // after saying it
    unsigned connections; // that were accepted
    struct buf heard;
    // what the client reported
    unsigned answers;
    struct http_client_answer last;
    struct buf last_body;
    unsigned repeat; // further requests to make, one after the other
};

struct peer {
    uv_tcp_t socket;
    struct scene *scene;
    struct buf request;
};

static void peer_closed(uv_handle_t *handle)
{
    struct peer *peer = CONTAINER_OF(handle, struct peer, socket);
    buf_release(&peer->request);
    free(peer);
}

static void peer_room(uv_handle_t *handle, size_t wanted, uv_buf_t *room)
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

static void peer_reads(uv_stream_t *stream, ssize_t count, const uv_buf_t *room)
{
    (void)room;
    struct peer *peer = CONTAINER_OF((uv_tcp_t *)stream, struct peer, socket);
    struct scene *scene = peer->scene;
    if (count < 0) {
        uv_close((uv_handle_t *)stream, peer_closed);
        return;
    }
    peer->request.len += (size_t)count;
    if (!is_whole(buf_str(&peer->request)))
        return;
    buf_str_append(&scene->heard, buf_str(&peer->request));
    buf_clear(&peer->request);
    for (struct str rest = scene->says; rest.len > 0;) {
        uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)rest.ptr, (unsigned)rest.len);
        int written = uv_try_write(stream, &bytes, 1);
        if (written < 0)
            break;
        rest = str_skip(rest, (size_t)written);
    }
    if (scene->hangs_up)
        uv_close((uv_handle_t *)stream, peer_closed);
}

static void peer_comes(uv_stream_t *listener, int status)
{
    cr_assert(eq(int, status, 0));
    struct scene *scene = CONTAINER_OF((uv_tcp_t *)listener, struct scene, listener);
    struct peer *peer = calloc(1, sizeof *peer);
    peer->scene = scene;
    scene->connections++;
    uv_tcp_init(&scene->loop, &peer->socket);
    uv_accept(listener, (uv_stream_t *)&peer->socket);
    uv_read_start((uv_stream_t *)&peer->socket, peer_room, peer_reads);
}

static void scene_open(struct scene *scene, const char *allow)
{
    *scene = (struct scene){.says = STR_ABSENT};
    struct err err;
    scene->allow = address_ranges_parse(str_of(allow), &err);
    uv_loop_init(&scene->loop);
    uv_tcp_init(&scene->loop, &scene->listener);
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_bind(&scene->listener, (const struct sockaddr *)&address, 0);
    uv_listen((uv_stream_t *)&scene->listener, 16, peer_comes);
    int length = sizeof address;
    uv_tcp_getsockname(&scene->listener, (struct sockaddr *)&address, &length);
    snprintf(scene->url, sizeof scene->url, "http://127.0.0.1:%d/hook", ntohs(address.sin_port));
    scene->client = http_client_new(&scene->loop, &(struct http_client_options){
                                                      .allow = scene->allow,
                                                      .connections_limit = 16,
                                                      .connections_per_host = 8,
                                                      .user_agent = "test",
                                                  });
}

static void scene_close(struct scene *scene)
{
    http_client_free(&scene->client);
    uv_close((uv_handle_t *)&scene->listener, NULL);
    while (uv_run(&scene->loop, UV_RUN_DEFAULT) != 0)
        continue; // an earlier uv_stop() ends one run
    cr_assert(eq(int, uv_loop_close(&scene->loop), 0), "a handle is still open");
    address_ranges_free(&scene->allow);
    buf_release(&scene->heard);
    buf_release(&scene->last_body);
}

static void answered(void *context, const struct http_client_answer *answer);

static void post(struct scene *scene, const char *url, int64_t timeout_ms)
{
    struct http_client_header headers[] = {{STR("Content-Type"), STR("application/json")},
                                           {STR("X-Mine"), STR("7")}};
    http_client_post(scene->client, str_of(url), headers, 2, STR("{\"a\":1}"), timeout_ms, answered,
                     scene);
}

static void answered(void *context, const struct http_client_answer *answer)
{
    struct scene *scene = context;
    scene->answers++;
    scene->last = *answer;
    buf_clear(&scene->last_body);
    buf_str_append(&scene->last_body, answer->body);
    if (scene->repeat > 0) {
        scene->repeat--;
        post(scene, scene->url, 5000);
        return;
    }
    uv_stop(&scene->loop);
}

Test(http_client, posts_the_body_and_headers_and_reports_status_and_answer)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    scene.says = STR("HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\ndone");

    post(&scene, scene.url, 5000);
    cr_assert(eq(u32, scene.answers, 0), "never from inside the call");
    uv_run(&scene.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_ANSWERED));
    cr_assert(eq(int, scene.last.status, 201));
    cr_assert(str_equal(buf_str(&scene.last_body), STR("done")));
    const char *heard = buf_c_string(&scene.heard);
    cr_assert(ne(ptr, strstr(heard, "POST /hook HTTP/1.1\r\n"), NULL));
    cr_assert(ne(ptr, strstr(heard, "X-Mine: 7\r\n"), NULL));
    cr_assert(ne(ptr, strstr(heard, "\r\n\r\n{\"a\":1}"), NULL));
    scene_close(&scene);
}

Test(http_client, keeps_one_connection_for_many_requests)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    scene.says = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    scene.repeat = 50;

    post(&scene, scene.url, 5000);
    uv_run(&scene.loop, UV_RUN_DEFAULT);

    cr_assert(eq(u32, scene.answers, 51));
    cr_assert(eq(u32, scene.connections, 1));
    scene_close(&scene);
}

Test(http_client, reads_retry_after)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    scene.says = STR("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");

    post(&scene, scene.url, 5000);
    uv_run(&scene.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, scene.last.status, 503));
    cr_assert(eq(i64, scene.last.retry_after_s, 7));
    scene_close(&scene);
}

Test(http_client, follows_no_redirect)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    scene.says = STR("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");

    post(&scene, scene.url, 5000);
    uv_run(&scene.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, scene.last.status, 302));
    cr_assert(eq(i64, scene.last.retry_after_s, -1));
    scene_close(&scene);
}

Test(http_client, says_uncertain_when_the_server_hangs_up_without_a_word)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    scene.hangs_up = true;

    post(&scene, scene.url, 5000);
    uv_run(&scene.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_UNCERTAIN));
    cr_assert(eq(u32, scene.connections, 1));
    scene_close(&scene);
}

Test(http_client, never_repeats_a_request_by_itself_on_a_fresh_connection)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    scene.says = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    post(&scene, scene.url, 5000);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    scene.says = STR_ABSENT;
    scene.hangs_up = true;

    post(&scene, scene.url, 5000); // on the connection that is kept
    uv_run(&scene.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_UNCERTAIN));
    uv_run(&scene.loop, UV_RUN_NOWAIT);
    const char *second = strstr(buf_c_string(&scene.heard) + 10, "POST ");
    cr_assert(ne(ptr, (void *)(uintptr_t)second, NULL));
    cr_assert(eq(ptr, strstr(second + 5, "POST "), NULL), "it left a third time");
    scene_close(&scene);
}

Test(http_client, says_uncertain_when_the_answer_is_cut_or_late)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    scene.says = STR("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    scene.hangs_up = true;

    post(&scene, scene.url, 5000);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_UNCERTAIN));
    cr_assert(eq(int, scene.last.status, 200), "the status line was whole");

    scene.says = STR_ABSENT;
    scene.hangs_up = false;
    post(&scene, scene.url, 100);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_UNCERTAIN));
    cr_assert(eq(int, scene.last.status, 0), "there was no status line");
    cr_assert(ge(i64, scene.last.duration_us, 90000));
    scene_close(&scene);
}

Test(http_client, says_not_sent_when_nobody_listens)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");

    post(&scene, "http://127.0.0.1:1/", 5000);
    uv_run(&scene.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_NOT_SENT));
    scene_close(&scene);
}

Test(http_client, says_not_sent_when_tls_meets_a_plain_server)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    AUTO(buf) url = {0};
    buf_printf(&url, "https%s", scene.url + 4);

    post(&scene, buf_c_string(&url), 300);
    uv_run(&scene.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_NOT_SENT));
    scene_close(&scene);
}

Test(http_client, opens_no_socket_to_an_address_that_is_not_allowed)
{
    struct scene scene;
    scene_open(&scene, "");
    static const char *const urls[] = {"http://localhost:%s/", "http://2130706433:%s/",
                                       "http://0x7f.1:%s/", "http://[::ffff:127.0.0.1]:%s/",
                                       "http://0:%s/"};

    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        AUTO(buf) url = {0};
        struct str prefix;
        struct str rest;
        str_cut(str_of(urls[i]), '%', &prefix, &rest);
        buf_str_append(&url, prefix);
        buf_str_append(&url, str_of(strrchr(scene.url, ':') + 1));
        post(&scene, buf_c_string(&url), 5000);
        uv_run(&scene.loop, UV_RUN_DEFAULT);
        cr_expect(eq(int, scene.last.outcome, HTTP_CLIENT_FORBIDDEN), "%s", urls[i]);
    }
    cr_assert(eq(u32, scene.connections, 0));
    scene_close(&scene);
}

Test(http_client, refuses_urls_with_a_user_and_other_schemes)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    static const char *const urls[] = {"http://user:word@127.0.0.1/", "file:///etc/passwd",
                                       "gopher://127.0.0.1/", "http://", "nonsense://x"};

    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        post(&scene, urls[i], 5000);
        uv_run(&scene.loop, UV_RUN_DEFAULT);
        cr_expect(eq(int, scene.last.outcome, HTTP_CLIENT_FORBIDDEN), "%s", urls[i]);
    }
    scene_close(&scene);
}

Test(http_client, cuts_an_answer_at_64_kib_and_still_knows_its_status)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    AUTO(buf) says = {0};
    buf_printf(&says, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    memset(buf_reserve(&says, 100000), 'x', 100000);
    says.len += 100000;
    scene.says = buf_str(&says);

    post(&scene, scene.url, 5000);
    uv_run(&scene.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_ANSWERED));
    cr_assert(eq(int, scene.last.status, 200));
    cr_assert(eq(sz, scene.last_body.len, 65536));
    scene_close(&scene);
}

Test(http_client, ends_all_requests_at_once_when_told)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    post(&scene, scene.url, 5000);
    post(&scene, scene.url, 5000);
    cr_assert(eq(sz, http_client_in_flight(scene.client), 2));

    http_client_abort_all(scene.client);

    cr_assert(eq(u32, scene.answers, 2));
    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_NOT_SENT));
    cr_assert(eq(sz, http_client_in_flight(scene.client), 0));
    scene_close(&scene);
}

static bool leave_is_withdrawn(void *context)
{
    (void)context;
    return false;
}

Test(http_client, sends_nothing_of_a_request_whose_leave_was_withdrawn)
{
    struct scene scene;
    scene_open(&scene, "127.0.0.0/8");
    scene.says = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

    http_client_post_if(scene.client, str_of(scene.url), NULL, 0, STR("{}"), 5000,
                        &(struct http_client_permit){.may_leave = leave_is_withdrawn}, answered,
                        &scene);
    uv_run(&scene.loop, UV_RUN_DEFAULT);

    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_WITHDRAWN));
    cr_assert(eq(u32, scene.connections, 1));
    cr_assert(eq(sz, scene.heard.len, 0));
    scene_close(&scene);
}

// What one request of the next tests may reach beside the public internet.
static struct address_ranges *grants;

static const struct address_ranges *granted(void *context)
{
    (void)context;
    return grants;
}

static void post_granted(struct scene *scene, const char *ranges)
{
    struct err err;

    grants = address_grants_parse(str_of(ranges), &err);
    http_client_post_if(scene->client, str_of(scene->url), NULL, 0, STR("{}"), 5000,
                        &(struct http_client_permit){.granted = granted}, answered, scene);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    address_ranges_free(&grants);
}

Test(http_client, reaches_what_is_granted_to_the_request_and_says_which_rule_stops_another)
{
    struct scene scene;
    scene_open(&scene, "");
    scene.says = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

    post_granted(&scene, "127.0.0.0/8");
    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_ANSWERED));
    cr_assert(eq(u32, scene.connections, 1));

    // The connection of the first one stands open; the second may not use it.
    post_granted(&scene, "10.0.0.0/8");
    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_FORBIDDEN));
    cr_assert(
        eq(str, (char *)scene.last.reason, "the address is not allowed (127.0.0.0/8, loopback)"));
    post_granted(&scene, "127.0.0.0/8:1");
    cr_assert(eq(int, scene.last.outcome, HTTP_CLIENT_FORBIDDEN));
    cr_assert(eq(str, (char *)scene.last.reason,
                 "the address is not allowed (granted at another port only)"));
    cr_assert(eq(u32, scene.connections, 1));
    const char *heard = buf_c_string(&scene.heard);
    cr_assert(eq(ptr, strstr(strstr(heard, "POST") + 1, "POST"), NULL), "one request came");
    scene_close(&scene);
}
