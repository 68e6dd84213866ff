// The HTTP server over real sockets: what it refuses to read.
#include "tests/unit/io/http_server/http_rig.h"

#include "io/http_server/http_framing.h"
#include "tests/unit/io/http_server/http_probes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/socket.h>

TestSuite(http_refusals, .init = http_rig_start, .fini = http_rig_stop, .timeout = 600);

Test(http_refusals, refuses_ambiguous_framing_at_once_and_closes)
{
    for (size_t i = 0; i < COUNT_OF(probes); i++) {
        int client = client_new();
        AUTO(buf) bytes = {0};

        client_send(client, probes[i].head);
        const char *answer = client_receive_all(client, &bytes);

        cr_expect(starts(answer, "HTTP/1.1 400 Bad Request\r\n"), "%s: %s", probes[i].name, answer);
        cr_expect(has(answer, "{\"code\":\"bad_request\""), "%s", probes[i].name);
        close(client);
    }
    cr_expect(eq(int, counted("refused"), (int)COUNT_OF(probes)));
}

Test(http_refusals, refuses_ambiguous_framing_of_a_pipelined_request)
{
    for (size_t i = 0; i < COUNT_OF(probes); i++) {
        int client = client_new();
        AUTO(buf) bytes = {0};
        AUTO(buf) sent = {0};

        buf_str_append(&sent, STR("POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 5\r\n\r\nfirst"));
        buf_str_append(&sent, probes[i].head);
        buf_str_append(&sent, STR("abcde0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: n\r\n\r\n"));
        client_send(client, buf_str(&sent));
        shutdown(client, SHUT_WR);
        const char *answer = client_receive_all(client, &bytes);

        const char *second = starts(answer, "HTTP/1.1 200") ? strstr(answer, "first") : NULL;
        cr_expect(second && (second[5] == '\0' || starts(second + 5, "HTTP/1.1 400")), "%s: %s",
                  probes[i].name, answer);
        close(client);
    }
}

Test(http_refusals, refuses_malformed_chunks)
{
    static const char *const before[] = {
        "", "POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 5\r\n\r\nfirst"};

    for (size_t i = 0; i < COUNT_OF(chunk_probes) * 2; i++) {
        const struct probe *probe = &chunk_probes[i / 2];
        int client = client_new();
        AUTO(buf) bytes = {0};
        AUTO(buf) sent = {0};

        buf_printf(&sent, "%s" CHUNKED, before[i % 2]);
        buf_str_append(&sent, probe->head);
        buf_str_append(&sent, STR("GET /smuggled HTTP/1.1\r\nHost: n\r\n\r\n"));
        client_send(client, buf_str(&sent));
        const char *answer = client_receive_all(client, &bytes);

        const char *refusal = i % 2 ? strstr(answer, "first") : answer - 5;
        cr_expect(refusal && starts(refusal + 5, "HTTP/1.1 400"), "%s: %s", probe->name, answer);
        cr_expect(not(has(answer, "smuggled")), "%s", probe->name);
        close(client);
    }
}

Test(http_refusals, reads_chunks_no_less_strictly_after_100_continue)
{
    int client = client_new();
    AUTO(buf) bytes = {0};

    client_send(client, STR(POST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"));
    const char *interim = client_receive_text(client, &bytes, "\r\n\r\n");
    cr_assert(starts(interim, "HTTP/1.1 100 Continue\r\n\r\n"), "%s", interim);
    client_send(client, STR("5\nhello\r\n0\r\n\r\n"));
    const char *answer = client_receive_all(client, &bytes);

    cr_assert(has(answer, "HTTP/1.1 400 Bad Request"), "%s", answer);
    close(client);
}

Test(http_refusals, refuses_broken_chunks_and_unknown_expectations)
{
    static const struct str requests[] = {
        STR_INIT("POST /b HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        STR_INIT("POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 1\r\nExpect: cake\r\n\r\na")};

    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        int client = client_new();
        AUTO(buf) bytes = {0};

        client_send(client, requests[i]);
        const char *answer = client_receive_all(client, &bytes);
        cr_expect(starts(answer, "HTTP/1.1 400"), "%s", answer);
        cr_expect(has(answer, "{\"code\":\"bad_request\""), "%s", answer);
        close(client);
    }
}

Test(http_refusals, refuses_a_head_over_its_limit_before_it_is_complete)
{
    int client = client_new();
    AUTO(buf) bytes = {0};
    AUTO(buf) head = {0};

    buf_str_append(&head, STR("GET / HTTP/1.1\r\nHost: n\r\nX: "));
    while (head.len < HTTP_HEAD_LIMIT)
        buf_byte(&head, 'a');
    client_send(client, buf_str(&head));
    cr_expect(client_is_left_alone(client));
    client_send(client, STR("a"));
    const char *answer = client_receive_all(client, &bytes);

    cr_expect(starts(answer, "HTTP/1.1 431"), "%s", answer);
    close(client);
}
