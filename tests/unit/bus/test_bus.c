// The bus over ipc with one gateway and several workers that connect, leave and misbehave.
#include "bus/gateway/gateway_state.h"
#include "tests/unit/bus/cluster.h"

#include <signal.h>
#include <unistd.h>

static size_t connected(const struct cluster *cluster)
{
    struct bus_worker_view views[16];
    size_t count = bus_gateway_workers(cluster->gateway, views, 16), ready = 0;

    for (size_t i = 0; i < count; i++)
        ready += views[i].db_ready; // has sent a heartbeat, so it was welcomed
    return ready;
}

Test(bus, carries_a_request_to_a_worker_and_its_reply_back)
{
    struct cluster cluster;
    struct cluster_worker worker = {0};
    struct cluster_call call;
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &worker, SERVICE_SMS, "sms-worker-0", 10);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);

    cluster_ask(&cluster, &call, 1, 2000);
    CLUSTER_UNTIL(&cluster, call.answered);

    cr_assert(eq(int, call.code, ERR_OK));
    cr_assert(eq(str, call.payload, "question"));
    cr_assert(eq(sz, bus_gateway_in_flight(cluster.gateway), 0));
    bus_worker_free(&worker.bus);
    cluster_close(&cluster);
}

Test(bus, answers_unavailable_without_a_worker_of_the_service)
{
    struct cluster cluster;
    struct cluster_worker other = {0};
    struct cluster_call call;
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &other, SERVICE_CHAT, "chat-worker-0", 10);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);

    cluster_ask(&cluster, &call, 1, 5000);
    CLUSTER_UNTIL(&cluster, call.answered);

    cr_assert(eq(int, call.code, ERR_UNAVAILABLE)); // and not ERR_TIMEOUT, at the deadline
    bus_worker_free(&other.bus);
    cluster_close(&cluster);
}

Test(bus, never_sends_a_worker_more_than_its_credit)
{
    struct cluster cluster;
    struct cluster_worker worker = {.holds = true};
    struct cluster_call calls[10];
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &worker, SERVICE_SMS, "sms-worker-0", 3);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);

    for (int i = 0; i < 10; i++)
        cluster_ask(&cluster, &calls[i], 1, 5000);
    for (int left = 10; left > 0; left -= 3) {
        int expected = left < 3 ? left : 3;
        CLUSTER_UNTIL(&cluster, worker.held_count == expected);
        uv_run(&cluster.loop, UV_RUN_NOWAIT);
        cr_assert(eq(int, worker.held_count, expected));
        cluster_worker_release(&worker);
    }

    CLUSTER_UNTIL(&cluster, calls_with_code(calls, 10, ERR_OK) == 10);
    bus_worker_free(&worker.bus);
    cluster_close(&cluster);
}

Test(bus, distinguishes_a_call_that_no_worker_got_from_one_that_a_worker_has)
{
    struct cluster cluster;
    struct cluster_worker worker = {.holds = true};
    struct cluster_call out, waiting;
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &worker, SERVICE_SMS, "sms-worker-0", 1);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);

    cluster_ask(&cluster, &out, 1, 200);
    cluster_ask(&cluster, &waiting, 1, 200);
    CLUSTER_UNTIL(&cluster, out.answered && waiting.answered);

    cr_assert(eq(int, out.code, ERR_DEADLINE));
    cr_assert(eq(int, waiting.code, ERR_BUSY));

    // The late reply is dropped, but its credit is used again.
    cluster_worker_release(&worker);
    worker.holds = false;
    cluster_ask(&cluster, &out, 1, 2000);
    CLUSTER_UNTIL(&cluster, out.answered);
    cr_assert(eq(int, out.code, ERR_OK));
    bus_worker_free(&worker.bus);
    cluster_close(&cluster);
}

Test(bus, multiplies_the_deadline_of_each_call_by_the_factor_of_its_options)
{
    struct cluster cluster;
    struct cluster_worker worker = {0};
    struct cluster_call call;
    cluster_open(&cluster);
    cluster.deadline_factor = 1000;
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &worker, SERVICE_SMS, "sms-worker-0", 1);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);

    cluster_ask(&cluster, &call, 1, 2000);
    CLUSTER_UNTIL(&cluster, call.answered);

    cr_assert(eq(int, call.code, ERR_OK));
    cr_assert(gt(u32, worker.deadline_ms, 1000 * 1000)); // of 2,000,000 ms
    bus_worker_free(&worker.bus);
    cluster_close(&cluster);
}

Test(bus, gives_the_same_key_to_the_same_worker)
{
    struct cluster cluster;
    struct cluster_worker workers[2] = {{0}};
    struct cluster_call calls[50];
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &workers[0], SERVICE_SMS, "sms-worker-0", 100);
    cluster_worker(&cluster, &workers[1], SERVICE_SMS, "sms-worker-1", 100);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 2);

    for (int i = 0; i < 50; i++)
        cluster_ask(&cluster, &calls[i], 77, 2000);
    CLUSTER_UNTIL(&cluster, calls_with_code(calls, 50, ERR_OK) == 50);

    cr_assert(workers[0].served == 0 || workers[1].served == 0);
    bus_worker_free(&workers[0].bus);
    bus_worker_free(&workers[1].bus);
    cluster_close(&cluster);
}

Test(bus, sends_waiting_requests_at_once_to_a_worker_that_connects_later)
{
    struct cluster cluster;
    struct cluster_worker early = {.holds = true}, late = {0};
    struct cluster_call calls[20];
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &early, SERVICE_SMS, "sms-worker-0", 1);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);
    for (int i = 0; i < 20; i++)
        cluster_ask(&cluster, &calls[i], (uint64_t)i, 30000);

    // One for each heartbeat would take longer than CLUSTER_UNTIL() waits.
    cluster_worker(&cluster, &late, SERVICE_SMS, "sms-worker-1", 1);
    CLUSTER_UNTIL(&cluster, calls_with_code(calls, 20, ERR_OK) == 19);

    cluster_worker_release(&early);
    CLUSTER_UNTIL(&cluster, calls_with_code(calls, 20, ERR_OK) == 20);
    bus_worker_free(&early.bus);
    bus_worker_free(&late.bus);
    cluster_close(&cluster);
}

Test(bus, gives_no_client_an_error_when_a_worker_drains_under_load)
{
    enum { CALLS = 3000, LEAVES_AFTER = 1000 };
    static struct cluster_call calls[CALLS];
    struct cluster cluster;
    struct cluster_worker staying = {0}, leaving = {.holds = true};
    int sent = 0;
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &staying, SERVICE_SMS, "sms-worker-0", 32);
    cluster_worker(&cluster, &leaving, SERVICE_SMS, "sms-worker-1", 32);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 2);

    while (sent < CALLS || calls_with_code(calls, CALLS, ERR_OK) < CALLS) {
        for (int i = 0; i < 10 && sent < CALLS; i++, sent++)
            cluster_ask(&cluster, &calls[sent], (uint64_t)sent, 5000);
        if (sent == LEAVES_AFTER)
            bus_worker_drain(leaving.bus);
        if (leaving.bus)
            cluster_worker_release(&leaving); // its work takes a while
        if (leaving.drained)
            bus_worker_free(&leaving.bus);
        uv_run(&cluster.loop, UV_RUN_NOWAIT);
        cr_assert(eq(
            int, calls_with_code(calls, sent, ERR_OK) + (int)bus_gateway_in_flight(cluster.gateway),
            sent));
    }

    cr_assert(leaving.drained);
    cr_assert(gt(int, leaving.served, 0));
    bus_worker_free(&staying.bus);
    cluster_close(&cluster);
}

// A worker in its own process, which holds its requests until it is killed.
static pid_t holder_start(const struct cluster *parent, const char *instance)
{
    pid_t child = fork();

    if (child == 0) {
        struct cluster cluster = *parent;
        struct cluster_worker worker = {.holds = true};
        cluster_start(&cluster);
        cluster_worker(&cluster, &worker, SERVICE_SMS, instance, 100);
        uv_run(&cluster.loop, UV_RUN_DEFAULT);
        _exit(0);
    }
    return child;
}

static void kill_and_wait(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

Test(bus, sends_the_requests_of_a_killed_worker_to_another)
{
    struct cluster cluster;
    struct cluster_worker survivor = {0};
    struct cluster_call calls[20];
    cluster_open(&cluster);
    pid_t victim = holder_start(&cluster, "sms-worker-0");
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);
    for (int i = 0; i < 20; i++)
        cluster_ask(&cluster, &calls[i], (uint64_t)i, 8000);
    cluster_worker(&cluster, &survivor, SERVICE_SMS, "sms-worker-1", 100);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 2);
    cr_assert(eq(int, survivor.served, 0));

    kill_and_wait(victim);
    CLUSTER_UNTIL(&cluster, calls_with_code(calls, 20, ERR_OK) == 20);

    cr_assert(eq(int, survivor.served, 20));
    cr_assert(eq(sz, connected(&cluster), 1));
    bus_worker_free(&survivor.bus);
    cluster_close(&cluster);
}

Test(bus, sends_a_request_again_only_once)
{
    struct cluster cluster;
    struct cluster_call call;
    cluster_open(&cluster);
    pid_t first = holder_start(&cluster, "sms-worker-0");
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);
    cluster_ask(&cluster, &call, 1, 12000);
    pid_t second = holder_start(&cluster, "sms-worker-1");
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 2);

    kill_and_wait(first);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);
    cr_assert(not(call.answered));
    kill_and_wait(second);
    CLUSTER_UNTIL(&cluster, call.answered);

    cr_assert(eq(int, call.code, ERR_UNKNOWN_OUTCOME));
    cluster_close(&cluster);
}

Test(bus, keeps_the_requests_of_a_killed_worker_for_its_successor)
{
    struct cluster cluster;
    struct cluster_worker successor = {0};
    struct cluster_call had, fresh;
    cluster_open(&cluster);
    pid_t victim = holder_start(&cluster, "sms-worker-0");
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);
    cluster_ask(&cluster, &had, 1, 10000);
    uv_run(&cluster.loop, UV_RUN_NOWAIT);

    kill_and_wait(victim);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 0);
    cluster_ask(&cluster, &fresh, 1, 10000);
    CLUSTER_UNTIL(&cluster, fresh.answered);
    cr_assert(eq(int, fresh.code, ERR_UNAVAILABLE));
    cr_assert(not(had.answered));

    cluster_worker(&cluster, &successor, SERVICE_SMS, "sms-worker-0", 100);
    CLUSTER_UNTIL(&cluster, had.answered);
    cr_assert(eq(int, had.code, ERR_OK));
    bus_worker_free(&successor.bus);
    cluster_close(&cluster);
}

Test(bus, finds_a_gateway_that_was_started_again)
{
    struct cluster cluster;
    struct cluster_worker worker = {0};
    struct cluster_call call;
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &worker, SERVICE_SMS, "sms-worker-0", 10);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);

    bus_gateway_free(&cluster.gateway);
    cluster_gateway(&cluster);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);

    cluster_ask(&cluster, &call, 1, 2000);
    CLUSTER_UNTIL(&cluster, call.answered);
    cr_assert(eq(int, call.code, ERR_OK));
    bus_worker_free(&worker.bus);
    cluster_close(&cluster);
}

Test(bus, lets_calls_of_a_new_gateway_wait_for_the_next_worker_when_the_first_leaves_again)
{
    struct cluster cluster;
    struct cluster_worker first = {0}, second = {0};
    struct cluster_call before = {0}, after;
    cluster_open(&cluster);
    cluster.patience_ms = 60 * 1000;
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &first, SERVICE_SMS, "sms-worker-0", 10);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);
    first.holds = true;
    cluster_ask(&cluster, &before, 1, 30000);
    CLUSTER_UNTIL(&cluster, first.held_count == 1);

    bus_worker_free(&first.bus);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 0);
    cluster_ask(&cluster, &after, 1, 30000);
    cluster_worker(&cluster, &second, SERVICE_SMS, "sms-worker-1", 10);
    CLUSTER_UNTIL(&cluster, before.answered && after.answered);

    cr_assert(eq(int, before.code, ERR_OK));
    cr_assert(eq(int, after.code, ERR_OK));
    bus_worker_free(&second.bus);
    cluster_close(&cluster);
}

// So does a worker whose gateway did not answer for some seconds: the gateway reads all at once.
Test(bus, keeps_a_request_that_has_not_left_when_a_worker_greets_again_and_again)
{
    struct cluster cluster;
    struct cluster_worker worker = {0};
    struct cluster_call call;
    AUTO(buf) hello = {0};
    cluster_open(&cluster);
    cluster.patience_ms = 60 * 1000;
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    bus_write_hello(&hello, &(struct bus_hello){.service = SERVICE_SMS,
                                                .instance = STR("sms-worker-0"),
                                                .build = STR("any"),
                                                .incarnation = 7,
                                                .credit_messages = 10,
                                                .credit_bytes = 1024 * 1024});
    cluster_ask(&cluster, &call, 1, 30000);

    for (int i = 0; i < 4; i++)
        gateway_received(cluster.gateway, STR("gone"), buf_str(&hello));
    cr_assert(not(call.answered));
    cluster_worker(&cluster, &worker, SERVICE_SMS, "sms-worker-0", 10);
    CLUSTER_UNTIL(&cluster, call.answered);

    cr_assert(eq(int, call.code, ERR_OK));
    bus_worker_free(&worker.bus);
    cluster_close(&cluster);
}

Test(bus, passes_doorbells_to_every_sms_worker_and_events_to_the_gateway)
{
    struct cluster cluster;
    struct cluster_worker chat = {0}, sms[2] = {{0}};
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &chat, SERVICE_CHAT, "chat-worker-0", 10);
    cluster_worker(&cluster, &sms[0], SERVICE_SMS, "sms-worker-0", 10);
    cluster_worker(&cluster, &sms[1], SERVICE_SMS, "sms-worker-1", 10);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 3 && bus_worker_gateways(chat.bus) == 1);

    for (int i = 0; i < 100; i++) {
        bus_worker_doorbell(chat.bus, 42);
        bus_worker_event(chat.bus, STR("7"), STR(""));
    }
    CLUSTER_UNTIL(&cluster, sms[0].doorbells > 0 && sms[1].doorbells > 0 && cluster.events > 0);

    cr_assert(eq(int, sms[0].doorbells, 1), "rung once in one round");
    cr_assert(eq(int, cluster.events, 1));
    cr_assert(eq(int, chat.doorbells, 0));
    bus_worker_free(&chat.bus);
    bus_worker_free(&sms[0].bus);
    bus_worker_free(&sms[1].bus);
    cluster_close(&cluster);
}

static void message_count(void *context, struct str peer, struct str body)
{
    (void)peer;
    (void)body;
    ++*(int *)context;
}

static size_t queues_reported(const struct cluster *cluster, struct bus_worker_view *view)
{
    return bus_gateway_workers(cluster->gateway, view, 1) == 1 ? view->queue_count : 0;
}

Test(bus, reports_the_queues_of_workers_to_gateways)
{
    struct cluster cluster;
    struct cluster_worker worker = {0};
    struct bus_worker_view view;
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &worker, SERVICE_SMS, "sms-worker-0", 10);

    CLUSTER_UNTIL(&cluster, queues_reported(&cluster, &view) == 1);

    cr_assert(eq(str, (char *)view.queues[0].name, "letters"));
    cr_assert(eq(u64, view.queues[0].depth, 3));
    cr_assert(eq(u64, view.queues[0].oldest_ms, 1500));
    bus_worker_free(&worker.bus);
    cluster_close(&cluster);
}

Test(bus, drops_a_peer_that_sends_hostile_frames_and_serves_the_others)
{
    enum { FRAMES = 200 };
    struct cluster cluster;
    struct cluster_worker worker = {0};
    struct cluster_call call;
    struct err err;
    char endpoint[128];
    int heard = 0;
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_gateway(&cluster);
    cluster_worker(&cluster, &worker, SERVICE_SMS, "sms-worker-0", 10);
    CLUSTER_UNTIL(&cluster, connected(&cluster) == 1);
    struct zmq_socket *stranger =
        zmq_socket_new(&cluster.loop, cluster.zmq,
                       &(struct zmq_socket_options){.kind = ZMQ_SOCKET_DEALER,
                                                    .routing_id = STR("stranger"),
                                                    .high_water_mark = 1000,
                                                    .received = message_count,
                                                    .context = &heard});
    snprintf(endpoint, sizeof endpoint, "ipc://%s/bus.gateway-0.sock", cluster.folder);
    cr_assert(zmq_socket_connect(stranger, endpoint, &err));

    // The heartbeat of an unknown peer is answered with "say HELLO", until the peer is banned.
    CLUSTER_UNTIL(&cluster, zmq_socket_send(stranger, STR_ABSENT, STR("\x95\x01\x03\x01\xc3\xc3")));
    CLUSTER_UNTIL(&cluster, heard == 1);
    for (int i = 0; i < FRAMES; i++)
        cr_assert(zmq_socket_send(stranger, STR_ABSENT, STR("\xdd\xff\xff\xff\xff")));
    cr_assert(zmq_socket_send(stranger, STR_ABSENT, STR("\x95\x01\x03\x01\xc3\xc3")));
    cluster_ask(&cluster, &call, 1, 2000);
    CLUSTER_UNTIL(&cluster, call.answered);

    cr_assert(eq(int, call.code, ERR_OK));
    cr_assert(eq(int, heard, 1));
    zmq_socket_free(&stranger);
    bus_worker_free(&worker.bus);
    cluster_close(&cluster);
}
