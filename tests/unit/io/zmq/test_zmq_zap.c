// zmq_zap: while no authenticator answers, no client may connect.
#include "io/zmq/zmq_zap.h"

#include "io/loop.h"
#include "io/zmq/zmq_key_file.h"
#include "io/zmq/zmq_socket.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <unistd.h>

enum { LIMIT_MS = 60 * 1000 };

struct fixture {
    uv_loop_t loop;
    uv_timer_t alarm;
    struct zmq_bus_context *zmq;
    struct zmq_socket *router, *dealer;
    struct zmq_key_pair server_keys, client_keys;
    struct zmq_curve server, client;
    int refused, received;
};

static void loop_stop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

// Runs until a callback stops the loop, or the time is over.
static void fixture_run(struct fixture *fixture)
{
    uv_timer_start(&fixture->alarm, loop_stop, LIMIT_MS, 0);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&fixture->alarm);
}

static void server_received(void *context, struct str peer, struct str body)
{
    struct fixture *fixture = context;

    (void)peer, (void)body;
    fixture->received++;
    uv_stop(&fixture->loop);
}

static void client_received(void *context, struct str peer, struct str body)
{
    (void)context, (void)peer, (void)body;
}

static void client_writable(void *context)
{
    struct fixture *fixture = context;

    (void)!zmq_socket_send(fixture->dealer, STR_ABSENT, STR("hello"));
}

static void server_refused(void *context, bool unfinished)
{
    struct fixture *fixture = context;

    (void)unfinished;
    fixture->refused++;
    uv_stop(&fixture->loop);
}

static void fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){.zmq = zmq_bus_context_new()};
    uv_loop_init(&fixture->loop);
    uv_timer_init(&fixture->loop, &fixture->alarm);
    zmq_key_pair_make(&fixture->server_keys);
    zmq_key_pair_make(&fixture->client_keys);
    fixture->server =
        (struct zmq_curve){.public_key = str_of(fixture->server_keys.public_key),
                           .secret_key = str_of(fixture->server_keys.secret_key),
                           .allowed_clients = str_of(fixture->client_keys.public_key)};
    fixture->client = (struct zmq_curve){.public_key = str_of(fixture->client_keys.public_key),
                                         .secret_key = str_of(fixture->client_keys.secret_key),
                                         .server_key = str_of(fixture->server_keys.public_key)};
    fixture->router = zmq_socket_new(&fixture->loop, fixture->zmq,
                                     &(struct zmq_socket_options){.kind = ZMQ_SOCKET_ROUTER,
                                                                  .high_water_mark = 10,
                                                                  .curve = &fixture->server,
                                                                  .received = server_received,
                                                                  .refused = server_refused,
                                                                  .context = fixture});
    fixture->dealer = zmq_socket_new(&fixture->loop, fixture->zmq,
                                     &(struct zmq_socket_options){.kind = ZMQ_SOCKET_DEALER,
                                                                  .routing_id = STR("dealer"),
                                                                  .high_water_mark = 10,
                                                                  .curve = &fixture->client,
                                                                  .received = client_received,
                                                                  .writable = client_writable,
                                                                  .context = fixture});
}

static void fixture_close(struct fixture *fixture)
{
    zmq_socket_free(&fixture->router);
    zmq_socket_free(&fixture->dealer);
    uv_close((uv_handle_t *)&fixture->alarm, NULL);
    loop_close(&fixture->loop);
    zmq_bus_context_free(&fixture->zmq);
}

Test(zmq_zap, refuses_all_clients_while_the_authenticator_is_gone)
{
    struct fixture fixture;
    struct err err = {0};
    char endpoint[64];
    fixture_open(&fixture);
    snprintf(endpoint, sizeof endpoint, "ipc:///tmp/nexus-zap-%d.sock", getpid());
    cr_assert(zmq_socket_bind(fixture.router, endpoint, &err), "%s", err.text);

    zmq_zap_free(&fixture.zmq->zap);
    cr_assert(zmq_socket_connect(fixture.dealer, endpoint, &err), "%s", err.text);
    client_writable(&fixture);
    for (int i = 0; i < 3; i++)
        fixture_run(&fixture); // the dealer keeps trying
    cr_assert(ge(int, fixture.refused, 3));
    cr_assert(eq(int, fixture.received, 0));

    fixture.zmq->zap = zmq_zap_new(fixture.server.allowed_clients, &err);
    cr_assert(ne(ptr, fixture.zmq->zap, NULL), "%s", err.text);
    for (int i = 0; i < 10 && fixture.received == 0; i++)
        fixture_run(&fixture);
    cr_assert(eq(int, fixture.received, 1));

    fixture_close(&fixture);
}
