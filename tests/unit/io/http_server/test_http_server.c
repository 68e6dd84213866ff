// The HTTP server over real sockets: answers, and the bodies of requests.
#include "tests/unit/io/http_server/http_rig.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <sys/socket.h>

TestSuite(http_server, .init = http_rig_start, .fini = http_rig_stop, .timeout = 600);

Test(http_server, answers_and_keeps_the_connection)
{
    int client = client_new();

    for (int i = 0; i < 3; i++) {
        AUTO(buf) bytes = {0};
        client_send(client, STR("GET /say?a=b HTTP/1.1\r\nHost: nexus\r\nX-Note: hi\r\n\r\n"));
        const char *answer = client_receive(client, &bytes);

        cr_assert(starts(answer, "HTTP/1.1 200 OK\r\n"), "%s", answer);
        cr_expect(has(answer, "GET /say?a=b from 127.0.0.1 to nexus"));
        cr_expect(has(answer, "x-echo: hi\r\n"));
        cr_expect(not(has(answer, "\nset-cookie")));
        cr_expect(has(answer, "Server: nexus\r\n"));
    }
    close(client);
    cr_expect(eq(int, counted("refused"), 0));
}

Test(http_server, answers_pipelined_requests_in_order)
{
    int client = client_new();
    AUTO(buf) bytes = {0};

    client_send(client, STR("GET /later HTTP/1.1\r\nHost: n\r\n\r\n"
                            "POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 5\r\n\r\nfirst"
                            "POST /c HTTP/1.1\r\nHost: n\r\nConnection: close\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n"));
    const char *answer = client_receive_all(client, &bytes);

    const char *late = strstr(answer, "late");
    const char *first = late ? strstr(late, "first") : NULL;
    cr_expect(first && strstr(first, "second"), "%s", answer);
    close(client);
}

Test(http_server, uses_the_path_of_a_url_as_target)
{
    int client = client_new();
    AUTO(buf) bytes = {0};

    client_send(client, STR("GET http://nexus/say?a=b HTTP/1.1\r\nHost: nexus\r\n\r\n"));
    const char *answer = client_receive(client, &bytes);

    cr_assert(has(answer, "GET /say?a=b from 127.0.0.1 to nexus"), "%s", answer);
    close(client);
}

Test(http_server, answers_head_without_a_body)
{
    int client = client_new();
    AUTO(buf) bytes = {0};

    client_send(client, STR("HEAD /say HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n"));
    const char *answer = client_receive_all(client, &bytes);

    cr_expect(starts(answer, "HTTP/1.1 200"));
    cr_expect(not(has(answer, "Content-Length: 0")), "%s", answer);
    cr_expect(answer[bytes.len - 4] == '\r' &&
              strstr(answer, "\r\n\r\n") == answer + bytes.len - 4);
    close(client);
}

Test(http_server, can_end_a_connection_without_an_answer)
{
    int client = client_new();
    AUTO(buf) bytes = {0};

    client_send(client, STR("GET /close HTTP/1.1\r\nHost: n\r\n\r\n"));
    (void)client_receive_all(client, &bytes);
    cr_expect(eq(sz, bytes.len, 0));
    close(client);
}

Test(http_server, drops_the_answer_to_a_client_that_has_gone)
{
    for (int i = 0; i < 3; i++) {
        int client = client_new();
        client_send(client, STR("GET /later HTTP/1.1\r\nHost: n\r\n\r\n"));
        wait_until_counted("parked", i + 1);
        struct linger reset = {.l_onoff = 1};
        if (i == 1)
            setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(client);
        wait_until_counted("late", i + 1);
    }
    wait_until_counted("connections", 1);
}

Test(http_server, reads_bodies_in_any_pieces)
{
    static const struct str requests[] = {
        STR_INIT("POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 11\r\n\r\nhello world"),
        STR_INIT("POST /b HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n")};

    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        int client = client_new();
        AUTO(buf) bytes = {0};

        for (size_t at = 0; at < requests[i].len; at++) {
            client_send(client, str_make(requests[i].ptr + at, 1));
            poll(NULL, 0, 1); // so that most bytes arrive alone
        }
        const char *answer = client_receive(client, &bytes);
        cr_expect(starts(answer, "HTTP/1.1 200"), "%s", answer);
        cr_expect(has(answer, "\r\n\r\nhello world"), "%s", answer);
        close(client);
    }
}

Test(http_server, sends_100_continue_to_a_client_that_waits_for_it)
{
    int client = client_new();
    AUTO(buf) bytes = {0};

    client_send(client, STR("POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 2\r\n"
                            "Expect: 100-continue\r\n\r\n"));
    cr_assert(
        starts(client_receive_text(client, &bytes, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n"));
    client_send(client, STR("ok"));
    const char *answer = client_receive(client, &bytes);

    cr_expect(has(answer, "HTTP/1.1 200 OK"), "%s", answer);
    close(client);
}

// HTTP/1.0 has no 100 Continue, so the client would read it as the answer (RFC 9110, 10.1.1).
Test(http_server, sends_no_100_continue_to_http_1_0)
{
    int client = client_new();
    AUTO(buf) bytes = {0};

    client_send(client,
                STR("POST /b HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
    cr_expect(client_is_left_alone(client));
    client_send(client, STR("ok"));
    const char *answer = client_receive(client, &bytes);

    cr_expect(starts(answer, "HTTP/1.1 200 OK"), "%s", answer);
    close(client);
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
    for (int chunked = 0; chunked <= 1; chunked++) {
        AUTO(buf) bytes = {0};
        int client = client_new();
        body_send(client, BODY_LIMIT, chunked);
        cr_expect(starts(client_receive(client, &bytes), "HTTP/1.1 200"));
        close(client);

        buf_clear(&bytes);
        client = client_new();
        body_send(client, BODY_LIMIT + 1, chunked);
        const char *answer = client_receive_all(client, &bytes);
        cr_expect(starts(answer, "HTTP/1.1 413"), "%s", answer);
        cr_expect(has(answer, "{\"code\":\"too_large\""), "%s", answer);
        close(client);
    }
}

Test(http_server, lets_a_client_that_sends_far_too_much_read_its_refusal)
{
    int client = client_new();
    AUTO(buf) bytes = {0};

    body_send(client, 8 * 1024 * 1024, false);
    const char *answer = client_receive_all(client, &bytes);

    cr_expect(starts(answer, "HTTP/1.1 413"), "%s", answer);
    close(client);
}
