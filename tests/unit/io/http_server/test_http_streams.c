// The HTTP server over real sockets: streams.
#include "tests/unit/io/http_server/http_rig.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <sys/socket.h>

TestSuite(http_streams, .init = http_rig_start, .fini = http_rig_stop, .timeout = 600);

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

// Seen with event streams: after a failed read libuv refuses the last write, and libh2o did not get
// that error.
Test(http_streams, frees_a_stream_whose_reader_reset_the_connection)
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

// The kernel gives a connection up if nothing at all is read, so the slow reader reads a byte from time to time.
Test(http_streams, disconnects_a_slow_reader_and_keeps_a_quick_one)
{
    enum { TOO_LITTLE = 512, ENOUGH = 16 * 1024, EVERY_MS = 500, MOST_MS = 60000 };
    int readers[] = {client_new_narrow(), client_new_narrow()};
    size_t read_bytes[] = {0, 0};
    bool is_open[] = {true, true};
    static char taken[ENOUGH];

    for (int i = 0; i < 2; i++) {
        client_send(readers[i], STR("GET /flood HTTP/1.1\r\nHost: n\r\n\r\n"));
        wait_until_counted("overflows", i + 1);
    }
    for (int64_t began = clock_monotonic_ms();
         (is_open[0] || is_open[1]) && clock_monotonic_ms() - began < MOST_MS;) {
        for (int i = 0; i < 2; i++) {
            ssize_t count = is_open[i] ? recv(readers[i], taken, i ? ENOUGH : TOO_LITTLE, 0) : 0;
            is_open[i] = count > 0;
            read_bytes[i] += is_open[i] ? (size_t)count : 0;
        }
        poll(NULL, 0, EVERY_MS);
    }
    cr_expect(lt(sz, read_bytes[0], 128 * 1024));
    cr_expect(gt(sz, read_bytes[1], 256 * 1024 - 65536));
    wait_until_counted("slow", 1);
    close(readers[0]);
    close(readers[1]);
}

Test(http_streams, bounds_the_bytes_that_wait_for_a_slow_reader)
{
    int client = client_new();
    AUTO(buf) bytes = {0};

    client_send(client, STR("GET /flood HTTP/1.1\r\nHost: n\r\n\r\n"));
    wait_until_counted("overflows", 1);
    client_receive_all(client, &bytes);
    cr_expect(gt(sz, bytes.len, 256 * 1024 - 65536));
    close(client);
}
