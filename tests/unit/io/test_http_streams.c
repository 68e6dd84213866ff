// The HTTP server over real sockets: streams.
#include "tests/unit/io/http_rig.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/socket.h>

TestSuite(http_streams, .init = http_rig_start, .fini = http_rig_stop, .timeout = 120);

Test(http_streams, streams_and_notices_that_the_reader_has_gone)
{
    int client = client_new();
    AUTO(buf) bytes = {0};

    client_send(client, STR("GET /stream HTTP/1.1\r\nHost: n\r\n\r\n"));
    const char *answer = client_receive_text(client, &bytes, "data: 1\n\n");
    cr_expect(has(answer, "content-type: text/event-stream"), "%s", answer);
    cr_expect(has(answer, "data: 1\n\n"), "%s", answer);
    cr_expect(client_is_left_alone(client));
    cr_expect(eq(int, counted("streams_closed"), 0));

    close(client);
    wait_until_counted("streams_closed", 1);
    wait_until_counted("connections", 1);
}

// Found with event streams: libuv refuses the last piece where reading failed, and nobody told libh2o.
Test(http_streams, lets_go_of_a_stream_whose_reader_reset_the_connection)
{
    for (int i = 0; i < 3; i++) {
        struct linger reset = {.l_onoff = 1};
        int client = client_new();
        AUTO(buf) bytes = {0};
        client_send(client, STR("GET /stream HTTP/1.1\r\nHost: n\r\n\r\n"));
        client_receive_text(client, &bytes, "data: 1\n\n");
        setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(client);
        wait_until_counted("streams_closed", i + 1);
    }
    wait_until_counted("connections", 1);
}

Test(http_streams, bounds_what_waits_for_a_slow_reader)
{
    int client = client_new();
    AUTO(buf) bytes = {0};

    client_send(client, STR("GET /flood HTTP/1.1\r\nHost: n\r\n\r\n"));
    wait_until_counted("overflows", 1);
    client_receive_all(client, &bytes);
    cr_expect(gt(sz, bytes.len, 256 * 1024 - 65536));
    close(client);
}
