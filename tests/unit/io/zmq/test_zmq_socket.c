// zmq_socket: no event may be missed, and only allowed clients may connect.
#include "io/zmq/zmq_socket.h"

#include "io/loop.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

// After how long without an echo a pair has stalled; and how long a test waits for what must not come.
enum { PATIENCE_MS = 60 * 1000, NOTHING_MS = 1000 };

struct pair {
    uv_loop_t loop;
    struct zmq_bus_context *zmq;
    struct zmq_socket *router, *dealer;
    uv_timer_t alarm, paced;
    int in_flight, sent, echoed, wanted;
    char endpoint[64];
};

// The address belongs to this process alone, so that several copies of the tests can run side by side. The kernel does
// not give this port to clients.
static const char *endpoint_make(struct pair *pair, const char *transport)
{
    int process = getpid();

    if (strcmp(transport, "ipc") == 0)
        snprintf(pair->endpoint, sizeof pair->endpoint, "ipc:///tmp/nexus-zmq-%d.sock", process);
    else
        snprintf(pair->endpoint, sizeof pair->endpoint, "tcp://127.1.%d.%d:4261",
                 process / 254 % 254 + 1, process % 254 + 1);
    return pair->endpoint;
}

static void alarm_expired(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void pair_open(struct pair *pair)
{
    *pair = (struct pair){.zmq = NULL};
    uv_loop_init(&pair->loop);
    pair->zmq = zmq_bus_context_new();
    uv_timer_init(&pair->loop, &pair->alarm);
    uv_timer_init(&pair->loop, &pair->paced);
    pair->alarm.data = pair->paced.data = pair;
}

static void pair_close(struct pair *pair)
{
    zmq_socket_free(&pair->router);
    zmq_socket_free(&pair->dealer);
    uv_close((uv_handle_t *)&pair->alarm, NULL);
    uv_close((uv_handle_t *)&pair->paced, NULL);
    loop_close(&pair->loop);
    zmq_bus_context_free(&pair->zmq);
}

// Runs until a callback stops the loop, or no echo has come for limit_ms.
static void pair_run(struct pair *pair, uint64_t limit_ms)
{
    uv_timer_start(&pair->alarm, alarm_expired, limit_ms, limit_ms);
    uv_run(&pair->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&pair->alarm);
}

static void echo(void *context, struct str peer, struct str body)
{
    struct pair *pair = context;
    cr_assert(zmq_socket_send(pair->router, peer, body));
}

static void send_more(struct pair *pair)
{
    while (pair->sent < pair->wanted && pair->in_flight < 64 &&
           zmq_socket_send(pair->dealer, STR_ABSENT, STR("ping"))) {
        pair->sent++;
        pair->in_flight++;
    }
}

static void echo_came(void *context, struct str peer, struct str body)
{
    struct pair *pair = context;

    (void)peer;
    cr_assert(str_equal(body, STR("ping")));
    pair->in_flight--;
    uv_timer_again(&pair->alarm);
    if (++pair->echoed == pair->wanted)
        uv_stop(&pair->loop);
    send_more(pair);
}

static void connected(void *context)
{
    send_more(context);
}

static void paced_send(uv_timer_t *timer)
{
    send_more(timer->data);
}

static void sockets_make(struct pair *pair, const struct zmq_curve *server,
                         const struct zmq_curve *client)
{
    pair->router = zmq_socket_new(&pair->loop, pair->zmq,
                                  &(struct zmq_socket_options){.kind = ZMQ_SOCKET_ROUTER,
                                                               .high_water_mark = 1000,
                                                               .curve = server,
                                                               .received = echo,
                                                               .context = pair});
    pair->dealer = zmq_socket_new(&pair->loop, pair->zmq,
                                  &(struct zmq_socket_options){.kind = ZMQ_SOCKET_DEALER,
                                                               .routing_id = STR("dealer"),
                                                               .high_water_mark = 1000,
                                                               .curve = client,
                                                               .received = echo_came,
                                                               .writable = connected,
                                                               .context = pair});
}

static bool pair_connect(struct pair *pair, const char *transport, const struct zmq_curve *server,
                         const struct zmq_curve *client, struct err *err)
{
    sockets_make(pair, server, client);
    return zmq_socket_bind(pair->router, endpoint_make(pair, transport), err) &&
           zmq_socket_connect(pair->dealer, pair->endpoint, err);
}

Test(zmq_socket, used_both_ways_never_stalls)
{
    struct pair pair;
    struct err err = {0};
    pair_open(&pair);
    cr_assert(pair_connect(&pair, "ipc", NULL, NULL, &err), "%s", err.text);
    pair.wanted = 100000;

    // Sends also from a timer, between the receives: each send may consume the event of the
    // descriptor.
    uv_timer_start(&pair.paced, paced_send, 1, 1);
    send_more(&pair);
    pair_run(&pair, PATIENCE_MS);

    cr_assert(eq(int, pair.echoed, pair.wanted));
    pair_close(&pair);
}

Test(zmq_socket, reports_when_a_refused_send_would_succeed)
{
    struct pair pair;
    struct err err = {0};
    pair_open(&pair);
    endpoint_make(&pair, "ipc");
    sockets_make(&pair, NULL, NULL);
    pair.wanted = 1;

    cr_assert(zmq_socket_connect(pair.dealer, pair.endpoint, &err), "%s", err.text);
    cr_assert(not(zmq_socket_send(pair.dealer, STR_ABSENT, STR("too early"))));
    cr_assert(zmq_socket_bind(pair.router, pair.endpoint, &err), "%s", err.text);
    pair_run(&pair, PATIENCE_MS);

    cr_assert(eq(int, pair.echoed, 1));
    pair_close(&pair);
}

Test(zmq_socket, reports_a_missing_peer)
{
    struct pair pair;
    struct err err = {0};
    pair_open(&pair);
    cr_assert(pair_connect(&pair, "ipc", NULL, NULL, &err), "%s", err.text);

    cr_assert(not(zmq_socket_send(pair.router, STR("nobody"), STR("hello"))));

    pair_close(&pair);
}

Test(zmq_socket, refuses_to_listen_beyond_loopback_without_curve)
{
    struct pair pair;
    struct err err;
    pair_open(&pair);
    pair.router = zmq_socket_new(
        &pair.loop, pair.zmq,
        &(struct zmq_socket_options){
            .kind = ZMQ_SOCKET_ROUTER, .high_water_mark = 10, .received = echo, .context = &pair});

    cr_assert(not(zmq_socket_bind(pair.router, "tcp://0.0.0.0:0", &err)));
    cr_assert(not(zmq_socket_bind(pair.router, "tcp://*:0", &err)));
    cr_assert(not(zmq_socket_bind(pair.router, "tcp://[::]:0", &err)));
    cr_assert(eq(int, err.code, ERR_BAD_INPUT));
    cr_assert(zmq_socket_bind(pair.router, "tcp://127.0.0.1:*", &err), "%s", err.text);

    pair_close(&pair);
}

struct keys {
    char server_public[41], server_secret[41], client_public[41], client_secret[41];
    struct zmq_curve server, client;
};

static void keys_make(struct keys *keys)
{
    cr_assert(eq(int, zmq_curve_keypair(keys->server_public, keys->server_secret), 0));
    cr_assert(eq(int, zmq_curve_keypair(keys->client_public, keys->client_secret), 0));
    keys->server = (struct zmq_curve){.public_key = str_of(keys->server_public),
                                      .secret_key = str_of(keys->server_secret),
                                      .allowed_clients = str_of(keys->client_public)};
    keys->client = (struct zmq_curve){.public_key = str_of(keys->client_public),
                                      .secret_key = str_of(keys->client_secret),
                                      .server_key = str_of(keys->server_public)};
}

Test(zmq_socket, lets_an_allowed_client_in_over_curve)
{
    struct pair pair;
    struct keys keys;
    struct err err = {0};
    keys_make(&keys);
    pair_open(&pair);
    cr_assert(pair_connect(&pair, "tcp", &keys.server, &keys.client, &err), "%s", err.text);
    pair.wanted = 100;

    send_more(&pair);
    pair_run(&pair, PATIENCE_MS);

    cr_assert(eq(int, pair.echoed, 100));
    pair_close(&pair);
}

// Does the thread of this folder in /proc/self/task block SIGTERM?
static bool thread_blocks_sigterm(const char *thread)
{
    char path[64], line[128];
    unsigned long long blocked = 0;

    snprintf(path, sizeof path, "/proc/self/task/%.20s/status", thread);
    FILE *status = fopen(path, "r");
    cr_assert(status != NULL);
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "SigBlk: %llx", &blocked) == 1)
            break;
    fclose(status);
    return blocked & 1ULL << (SIGTERM - 1);
}

// A thread that took a signal would end zauth, which decides who may connect.
Test(zmq_socket, threads_of_zeromq_take_no_signals)
{
    struct pair pair;
    struct keys keys;
    struct err err = {0};
    struct dirent *entry;
    char own[24];
    int others = 0;
    snprintf(own, sizeof own, "%d", getpid());
    keys_make(&keys);
    pair_open(&pair);
    cr_assert(pair_connect(&pair, "ipc", &keys.server, &keys.client, &err), "%s", err.text);

    DIR *tasks = opendir("/proc/self/task");
    while ((entry = readdir(tasks)))
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, own) != 0) {
            cr_expect(thread_blocks_sigterm(entry->d_name));
            others++;
        }
    closedir(tasks);

    cr_assert(ge(int, others, 2)); // of libzmq, and zauth
    pair_close(&pair);
}

Test(zmq_socket, refuses_a_client_whose_key_is_not_on_the_list)
{
    struct pair pair;
    struct keys keys, strangers;
    struct err err = {0};
    keys_make(&keys);
    keys_make(&strangers);
    strangers.client.server_key = keys.server.public_key;
    pair_open(&pair);
    cr_assert(pair_connect(&pair, "tcp", &keys.server, &strangers.client, &err), "%s", err.text);
    pair.wanted = 1;

    send_more(&pair);
    pair_run(&pair, NOTHING_MS);

    cr_assert(eq(int, pair.sent, 0));
    pair_close(&pair);
}

Test(zmq_socket, refuses_a_client_that_does_not_use_curve)
{
    struct pair pair;
    struct keys keys;
    struct err err = {0};
    keys_make(&keys);
    pair_open(&pair);
    cr_assert(pair_connect(&pair, "tcp", &keys.server, NULL, &err), "%s", err.text);
    pair.wanted = 1;

    send_more(&pair);
    pair_run(&pair, NOTHING_MS);

    cr_assert(eq(int, pair.echoed, 0));
    pair_close(&pair);
}

static bool list_is_accepted(const char *list, struct err *err)
{
    struct pair pair;
    struct keys keys;
    keys_make(&keys);
    keys.server.allowed_clients = str_of(list);
    pair_open(&pair);
    bool taken = pair_connect(&pair, "ipc", &keys.server, &keys.client, err);
    pair_close(&pair);
    return taken;
}

Test(zmq_socket, reads_the_list_of_keys_and_reports_its_faults)
{
    struct keys one, other;
    struct err err = {0};
    char list[512];
    keys_make(&one);
    keys_make(&other);

    snprintf(list, sizeof list, "%s,%s", one.client_public, other.client_public);
    cr_assert(list_is_accepted(list, &err), "%s", err.text);
    snprintf(list, sizeof list, "%s sms-worker,chat-worker\n%s provisioning-worker;\n",
             one.client_public, other.client_public);
    cr_assert(list_is_accepted(list, &err), "%s", err.text);

    snprintf(list, sizeof list, "sms-worker %s", one.client_public);
    cr_assert(not(list_is_accepted(list, &err)));
    cr_assert(ne(ptr, strstr(err.text, "first word"), NULL), "%s", err.text);
    snprintf(list, sizeof list, "%s sms-worker %s chat-worker", one.client_public,
             one.client_public);
    cr_assert(not(list_is_accepted(list, &err)));
    cr_assert(ne(ptr, strstr(err.text, "twice"), NULL), "%s", err.text);
    snprintf(list, sizeof list, "%s SMS", one.client_public);
    cr_assert(not(list_is_accepted(list, &err)));
    cr_assert(ne(ptr, strstr(err.text, "neither"), NULL), "%s", err.text);
}

static void echo_to_sms_workers(void *context, struct str peer, struct str body)
{
    struct pair *pair = context;

    cr_assert(not(zmq_socket_sender_is(pair->router, STR("provisioning-worker"))));
    cr_assert(not(zmq_socket_sender_is(pair->router, STR("sms"))));
    if (zmq_socket_sender_is(pair->router, STR("sms-worker")))
        cr_assert(zmq_socket_send(pair->router, peer, body));
}

Test(zmq_socket, knows_by_its_key_which_services_a_sender_may_offer)
{
    static const char *const transports[] = {"ipc", "tcp"};

    for (size_t i = 0; i < COUNT_OF(transports); i++) {
        struct pair pair;
        struct keys keys;
        struct err err = {0};
        char list[128];
        keys_make(&keys);
        snprintf(list, sizeof list, "%s chat-worker,sms-worker", keys.client_public);
        keys.server.allowed_clients = str_of(list);
        pair_open(&pair);
        sockets_make(&pair, NULL, &keys.client);
        zmq_socket_free(&pair.router);
        pair.router = zmq_socket_new(&pair.loop, pair.zmq,
                                     &(struct zmq_socket_options){.kind = ZMQ_SOCKET_ROUTER,
                                                                  .high_water_mark = 1000,
                                                                  .curve = &keys.server,
                                                                  .received = echo_to_sms_workers,
                                                                  .context = &pair});
        cr_assert(zmq_socket_bind(pair.router, endpoint_make(&pair, transports[i]), &err) &&
                      zmq_socket_connect(pair.dealer, pair.endpoint, &err),
                  "%s", err.text);
        pair.wanted = 3;

        send_more(&pair);
        pair_run(&pair, PATIENCE_MS);

        cr_assert(eq(int, pair.echoed, 3));
        pair_close(&pair);
    }
}

static void refusal_count(void *context, bool unfinished)
{
    struct pair *pair = context;

    if (unfinished)
        return;
    pair->in_flight++;
    uv_stop(&pair->loop);
}

Test(zmq_socket, reports_refused_connections)
{
    struct pair pair;
    struct keys keys, strangers;
    struct err err = {0};
    keys_make(&keys);
    keys_make(&strangers);
    strangers.client.server_key = keys.server.public_key;
    pair_open(&pair);
    sockets_make(&pair, NULL, &strangers.client);
    zmq_socket_free(&pair.router);
    pair.router = zmq_socket_new(&pair.loop, pair.zmq,
                                 &(struct zmq_socket_options){.kind = ZMQ_SOCKET_ROUTER,
                                                              .high_water_mark = 10,
                                                              .curve = &keys.server,
                                                              .received = echo,
                                                              .refused = refusal_count,
                                                              .context = &pair});
    cr_assert(zmq_socket_bind(pair.router, endpoint_make(&pair, "ipc"), &err) &&
                  zmq_socket_connect(pair.dealer, pair.endpoint, &err),
              "%s", err.text);

    pair_run(&pair, PATIENCE_MS);

    cr_assert(gt(int, pair.in_flight, 0));
    pair_close(&pair);
}

Test(zmq_socket, uses_only_directories_of_its_own_user)
{
    char folder[] = "/tmp/nexus-zmq-XXXXXX", endpoint[64];
    struct err err = {0};
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    snprintf(endpoint, sizeof endpoint, "ipc://%s/bus.sock", folder);

    cr_assert(zmq_ipc_is_private(endpoint, &err));
    chmod(folder, 0750);
    cr_assert(not(zmq_ipc_is_private(endpoint, &err)));
    cr_assert(eq(int, err.code, ERR_BAD_INPUT));
    cr_assert(zmq_ipc_is_private("tcp://127.0.0.1:1", &err), "that has other rules");

    rmdir(folder);
}

Test(zmq_socket, refuses_curve_without_an_allowed_key)
{
    struct pair pair;
    struct keys keys;
    struct err err = {0};
    keys_make(&keys);
    keys.server.allowed_clients = STR(" , ");
    pair_open(&pair);

    cr_assert(not(pair_connect(&pair, "tcp", &keys.server, &keys.client, &err)));

    cr_assert(eq(int, err.code, ERR_BAD_INPUT));
    pair_close(&pair);
}
