// The HTTP server over real sockets: how long connections live, and which are closed when there are too many.
#include "tests/unit/io/http_server/http_rig.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>

TestSuite(http_connections, .init = http_rig_start, .fini = http_rig_stop, .timeout = 600);

// Neither silence nor a byte from time to time keeps a connection open.
Test(http_connections, cuts_slow_and_idle_clients_after_ten_seconds)
{
    int dripping = client_new(), body = client_new(), idle = client_new();
    struct pollfd answered[] = {{.fd = dripping, .events = POLLIN}, {.fd = body, .events = POLLIN}};
    AUTO(buf) bytes = {0};
    int64_t started = clock_monotonic_ms();

    client_send(dripping, STR("GET / HTTP/1.1\r\nHost: n\r\nX: "));
    client_send(body, STR("POST / HTTP/1.1\r\nHost: n\r\nContent-Length: 100\r\n\r\n"));
    // A byte after the answer would discard the answer, so a byte is sent only while there is no answer.
    for (int i = 0; i < 90 && !(answered[0].revents && answered[1].revents); i++) {
        for (int k = 0; k < 2; k++)
            if (!answered[k].revents)
                client_send(answered[k].fd, STR("a"));
        poll(NULL, 0, 250);
        poll(answered, 2, 0);
    }
    cr_expect(ge(i64, clock_monotonic_ms() - started, 9000));
    cr_expect(starts(client_receive_all(dripping, &bytes), "HTTP/1.1 408"));
    buf_clear(&bytes);
    cr_expect(starts(client_receive_all(body, &bytes), "HTTP/1.1 408"));
    buf_clear(&bytes);
    cr_expect(eq(str, (char *)client_receive_all(idle, &bytes), ""));
    close(dripping);
    close(body);
    close(idle);
}

Test(http_connections, ends_streams_and_idle_connections_when_it_stops)
{
    int idle = client_new(), stream = client_new();
    AUTO(buf) bytes = {0};

    client_send(stream, STR("GET /stream HTTP/1.1\r\nHost: n\r\n\r\n"));
    client_send(idle, STR("GET / HTTP/1.1\r\nHo"));
    client_receive_text(stream, &bytes, "data: 1\n\n");
    wait_until_counted("connections", 3);
    // http_rig_stop() checks the clean end, with both still open
}

// When the machine stands still, clients stand still too, so they get the rest of their second afterwards.
Test(http_connections, does_not_count_a_pause_of_the_process_as_time_of_its_clients_when_it_stops)
{
    int idle = client_new(), other = client_new();
    AUTO(buf) bytes = {0};

    client_send(other, STR("GET /pause HTTP/1.1\r\nHost: n\r\n\r\n"));
    const char *answer = client_receive_all(other, &bytes);
    cr_expect(has(answer, "\r\n\r\n2"), "%s", answer);
    close(idle);
    close(other);
}

Test(http_connections, closes_the_oldest_idle_connection_when_it_is_full)
{
    int clients[CONNECTIONS_LIMIT + 10];
    AUTO(buf) bytes = {0};
    int last = CONNECTIONS_LIMIT + 9;

    for (int i = 0; i <= last; i++)
        clients[i] = client_new();
    client_send(clients[last], STR("GET /counts HTTP/1.1\r\nHost: n\r\n\r\n"));
    const char *answer = client_receive(clients[last], &bytes);
    cr_expect(starts(answer, "HTTP/1.1 200"), "%s", answer);
    cr_expect(has(answer, "full=10 "), "%s", answer);
    buf_clear(&bytes);
    cr_expect(eq(str, (char *)client_receive_all(clients[0], &bytes), ""));
    buf_clear(&bytes);
    cr_expect(eq(str, (char *)client_receive_all(clients[9], &bytes), ""));
    cr_expect(client_is_left_alone(clients[10]));
    for (int i = 0; i <= last; i++)
        close(clients[i]);
}

Test(http_connections, closes_an_address_s_own_idle_connections_over_its_share)
{
    int clients[ADDRESS_LIMIT + 3], neighbour = client_new();
    AUTO(buf) bytes = {0};

    for (size_t i = 0; i < COUNT_OF(clients); i++)
        clients[i] = client_new_from("127.0.0.2");
    client_send(neighbour, STR("GET /counts HTTP/1.1\r\nHost: n\r\n\r\n"));
    const char *answer = client_receive(neighbour, &bytes);
    cr_expect(has(answer, "address=3 full=0 "), "%s", answer);
    buf_clear(&bytes);
    cr_expect(eq(str, (char *)client_receive_all(clients[0], &bytes), ""));
    cr_expect(client_is_left_alone(clients[3]));
    for (size_t i = 0; i < COUNT_OF(clients); i++)
        close(clients[i]);
    close(neighbour);
}

Test(descriptors, when_used_up_are_freed_by_closing_idle_connections_without_spinning,
     .timeout = 600)
{
    int clients[60];
    AUTO(buf) bytes = {0};

    http_rig_start_limited(30);
    for (size_t i = 0; i < COUNT_OF(clients); i++)
        clients[i] = client_new();
    double before_s = http_rig_cpu_s();
    poll(NULL, 0, 2000); // long enough for a server that spins to use up the processor time below
    cr_expect(lt(dbl, http_rig_cpu_s() - before_s, 0.5));
    for (size_t i = 0; i + 1 < COUNT_OF(clients); i++)
        close(clients[i]);
    int last = clients[COUNT_OF(clients) - 1];
    client_send(last, STR("GET /counts HTTP/1.1\r\nHost: n\r\n\r\n"));
    const char *answer = client_receive(last, &bytes);

    cr_expect(starts(answer, "HTTP/1.1 200"), "%s", answer);
    cr_expect(not(has(answer, "paused=0 ")), "%s", answer);
    close(last);
    http_rig_stop();
}
