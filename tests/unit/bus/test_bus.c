// The bus over ipc: one gateway, several workers. What must hold when they come, go and misbehave.
#include "tests/unit/bus/town.h"

#include <signal.h>
#include <unistd.h>

static size_t connected(const struct town *town)
{
    struct bus_worker_view views[16];
    size_t count = bus_gateway_workers(town->gateway, views, 16), ready = 0;

    for (size_t i = 0; i < count; i++)
        ready += views[i].db_ready; // has sent a heartbeat, so it was welcomed
    return ready;
}

Test(bus, carries_a_request_to_a_worker_and_its_reply_back)
{
    struct town town;
    struct resident worker = {0};
    struct asked asked;
    town_open(&town);
    town_start(&town);
    town_gateway(&town);
    town_worker(&town, &worker, SERVICE_SMS, "sms-worker-0", 10);
    TOWN_UNTIL(&town, connected(&town) == 1);

    town_ask(&town, &asked, 1, 2000);
    TOWN_UNTIL(&town, asked.answered);

    cr_assert(eq(int, asked.code, ERR_OK));
    cr_assert(eq(str, asked.payload, "question"));
    cr_assert(eq(sz, bus_gateway_in_flight(town.gateway), 0));
    bus_worker_free(&worker.bus);
    town_close(&town);
}

Test(bus, says_unavailable_at_once_when_no_worker_of_the_service_is_there)
{
    struct town town;
    struct resident other = {0};
    struct asked asked;
    town_open(&town);
    town_start(&town);
    town_gateway(&town);
    town_worker(&town, &other, SERVICE_CHAT, "chat-worker-0", 10);
    TOWN_UNTIL(&town, connected(&town) == 1);
    uint64_t before_ms = uv_now(&town.loop);

    town_ask(&town, &asked, 1, 5000);
    TOWN_UNTIL(&town, asked.answered);

    cr_assert(eq(int, asked.code, ERR_UNAVAILABLE));
    cr_assert(lt(u64, uv_now(&town.loop) - before_ms, 50));
    bus_worker_free(&other.bus);
    town_close(&town);
}

Test(bus, never_sends_a_worker_more_than_its_credit)
{
    struct town town;
    struct resident worker = {.holds = true};
    struct asked asked[10];
    town_open(&town);
    town_start(&town);
    town_gateway(&town);
    town_worker(&town, &worker, SERVICE_SMS, "sms-worker-0", 3);
    TOWN_UNTIL(&town, connected(&town) == 1);

    for (int i = 0; i < 10; i++)
        town_ask(&town, &asked[i], 1, 5000);
    for (int left = 10; left > 0; left -= 3) {
        int expected = left < 3 ? left : 3;
        TOWN_UNTIL(&town, worker.held_count == expected);
        uv_run(&town.loop, UV_RUN_NOWAIT);
        cr_assert(eq(int, worker.held_count, expected));
        resident_release(&worker);
    }

    TOWN_UNTIL(&town, answered_count(asked, 10, ERR_OK) == 10);
    bus_worker_free(&worker.bus);
    town_close(&town);
}

Test(bus, tells_a_call_that_waited_in_vain_from_one_that_a_worker_has)
{
    struct town town;
    struct resident worker = {.holds = true};
    struct asked out, waiting;
    town_open(&town);
    town_start(&town);
    town_gateway(&town);
    town_worker(&town, &worker, SERVICE_SMS, "sms-worker-0", 1);
    TOWN_UNTIL(&town, connected(&town) == 1);

    town_ask(&town, &out, 1, 200);
    town_ask(&town, &waiting, 1, 200);
    TOWN_UNTIL(&town, out.answered && waiting.answered);

    cr_assert(eq(int, out.code, ERR_DEADLINE));
    cr_assert(eq(int, waiting.code, ERR_BUSY));

    // The late reply reaches nobody, but its credit is used again.
    resident_release(&worker);
    worker.holds = false;
    town_ask(&town, &out, 1, 2000);
    TOWN_UNTIL(&town, out.answered);
    cr_assert(eq(int, out.code, ERR_OK));
    bus_worker_free(&worker.bus);
    town_close(&town);
}

Test(bus, gives_the_same_key_to_the_same_worker)
{
    struct town town;
    struct resident workers[2] = {{0}};
    struct asked asked[50];
    town_open(&town);
    town_start(&town);
    town_gateway(&town);
    town_worker(&town, &workers[0], SERVICE_SMS, "sms-worker-0", 100);
    town_worker(&town, &workers[1], SERVICE_SMS, "sms-worker-1", 100);
    TOWN_UNTIL(&town, connected(&town) == 2);

    for (int i = 0; i < 50; i++)
        town_ask(&town, &asked[i], 77, 2000);
    TOWN_UNTIL(&town, answered_count(asked, 50, ERR_OK) == 50);

    cr_assert(workers[0].served == 0 || workers[1].served == 0);
    bus_worker_free(&workers[0].bus);
    bus_worker_free(&workers[1].bus);
    town_close(&town);
}

Test(bus, uses_a_worker_that_comes_late_at_once)
{
    struct town town;
    struct resident early = {.holds = true}, late = {0};
    struct asked asked[20];
    town_open(&town);
    town_start(&town);
    town_gateway(&town);
    town_worker(&town, &early, SERVICE_SMS, "sms-worker-0", 1);
    TOWN_UNTIL(&town, connected(&town) == 1);
    for (int i = 0; i < 20; i++)
        town_ask(&town, &asked[i], (uint64_t)i, 5000);

    town_worker(&town, &late, SERVICE_SMS, "sms-worker-1", 5);
    uint64_t before_ms = uv_now(&town.loop);
    TOWN_UNTIL(&town, answered_count(asked, 20, ERR_OK) == 19);

    cr_assert(lt(u64, uv_now(&town.loop) - before_ms, 1000));
    resident_release(&early);
    TOWN_UNTIL(&town, answered_count(asked, 20, ERR_OK) == 20);
    bus_worker_free(&early.bus);
    bus_worker_free(&late.bus);
    town_close(&town);
}

Test(bus, costs_no_client_an_error_when_a_worker_drains_under_load)
{
    enum { CALLS = 3000, LEAVES_AFTER = 1000 };
    static struct asked asked[CALLS];
    struct town town;
    struct resident staying = {0}, leaving = {.holds = true};
    int sent = 0;
    town_open(&town);
    town_start(&town);
    town_gateway(&town);
    town_worker(&town, &staying, SERVICE_SMS, "sms-worker-0", 32);
    town_worker(&town, &leaving, SERVICE_SMS, "sms-worker-1", 32);
    TOWN_UNTIL(&town, connected(&town) == 2);

    while (sent < CALLS || answered_count(asked, CALLS, ERR_OK) < CALLS) {
        for (int i = 0; i < 10 && sent < CALLS; i++, sent++)
            town_ask(&town, &asked[sent], (uint64_t)sent, 5000);
        if (sent == LEAVES_AFTER)
            bus_worker_drain(leaving.bus);
        if (leaving.bus)
            resident_release(&leaving); // its work takes a while
        if (leaving.drained)
            bus_worker_free(&leaving.bus);
        uv_run(&town.loop, UV_RUN_NOWAIT);
        cr_assert(eq(int,
                     answered_count(asked, sent, ERR_OK) + (int)bus_gateway_in_flight(town.gateway),
                     sent));
    }

    cr_assert(leaving.drained);
    cr_assert(gt(int, leaving.served, 0));
    bus_worker_free(&staying.bus);
    town_close(&town);
}

// A worker in a process of its own, which holds what it gets until it is killed.
static pid_t holder_start(const struct town *parent, const char *instance)
{
    pid_t child = fork();

    if (child == 0) {
        struct town town = *parent;
        struct resident worker = {.holds = true};
        town_start(&town);
        town_worker(&town, &worker, SERVICE_SMS, instance, 100);
        uv_run(&town.loop, UV_RUN_DEFAULT);
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
    struct town town;
    struct resident survivor = {0};
    struct asked asked[20];
    town_open(&town);
    pid_t victim = holder_start(&town, "sms-worker-0");
    town_start(&town);
    town_gateway(&town);
    TOWN_UNTIL(&town, connected(&town) == 1);
    for (int i = 0; i < 20; i++)
        town_ask(&town, &asked[i], (uint64_t)i, 8000);
    town_worker(&town, &survivor, SERVICE_SMS, "sms-worker-1", 100);
    TOWN_UNTIL(&town, connected(&town) == 2);
    cr_assert(eq(int, survivor.served, 0));

    kill_and_wait(victim);
    TOWN_UNTIL(&town, answered_count(asked, 20, ERR_OK) == 20);

    cr_assert(eq(int, survivor.served, 20));
    cr_assert(eq(sz, connected(&town), 1));
    bus_worker_free(&survivor.bus);
    town_close(&town);
}

Test(bus, sends_a_request_again_only_once)
{
    struct town town;
    struct asked asked;
    town_open(&town);
    pid_t first = holder_start(&town, "sms-worker-0");
    town_start(&town);
    town_gateway(&town);
    TOWN_UNTIL(&town, connected(&town) == 1);
    town_ask(&town, &asked, 1, 12000);
    pid_t second = holder_start(&town, "sms-worker-1");
    TOWN_UNTIL(&town, connected(&town) == 2);

    kill_and_wait(first);
    TOWN_UNTIL(&town, connected(&town) == 1);
    cr_assert(not(asked.answered));
    kill_and_wait(second);
    TOWN_UNTIL(&town, asked.answered);

    cr_assert(eq(int, asked.code, ERR_UNKNOWN_OUTCOME));
    town_close(&town);
}

Test(bus, keeps_what_a_killed_worker_had_for_its_successor)
{
    struct town town;
    struct resident successor = {0};
    struct asked had, fresh;
    town_open(&town);
    pid_t victim = holder_start(&town, "sms-worker-0");
    town_start(&town);
    town_gateway(&town);
    TOWN_UNTIL(&town, connected(&town) == 1);
    town_ask(&town, &had, 1, 10000);
    uv_run(&town.loop, UV_RUN_NOWAIT);

    kill_and_wait(victim);
    TOWN_UNTIL(&town, connected(&town) == 0);
    town_ask(&town, &fresh, 1, 10000);
    TOWN_UNTIL(&town, fresh.answered);
    cr_assert(eq(int, fresh.code, ERR_UNAVAILABLE));
    cr_assert(not(had.answered));

    town_worker(&town, &successor, SERVICE_SMS, "sms-worker-0", 100);
    TOWN_UNTIL(&town, had.answered);
    cr_assert(eq(int, had.code, ERR_OK));
    bus_worker_free(&successor.bus);
    town_close(&town);
}

Test(bus, finds_a_gateway_that_was_started_anew)
{
    struct town town;
    struct resident worker = {0};
    struct asked asked;
    town_open(&town);
    town_start(&town);
    town_gateway(&town);
    town_worker(&town, &worker, SERVICE_SMS, "sms-worker-0", 10);
    TOWN_UNTIL(&town, connected(&town) == 1);

    bus_gateway_free(&town.gateway);
    town_gateway(&town);
    TOWN_UNTIL(&town, connected(&town) == 1);

    town_ask(&town, &asked, 1, 2000);
    TOWN_UNTIL(&town, asked.answered);
    cr_assert(eq(int, asked.code, ERR_OK));
    bus_worker_free(&worker.bus);
    town_close(&town);
}

Test(bus, passes_doorbells_to_every_sms_worker_and_events_to_the_gateway)
{
    struct town town;
    struct resident chat = {0}, sms[2] = {{0}};
    town_open(&town);
    town_start(&town);
    town_gateway(&town);
    town_worker(&town, &chat, SERVICE_CHAT, "chat-worker-0", 10);
    town_worker(&town, &sms[0], SERVICE_SMS, "sms-worker-0", 10);
    town_worker(&town, &sms[1], SERVICE_SMS, "sms-worker-1", 10);
    TOWN_UNTIL(&town, connected(&town) == 3 && bus_worker_gateways(chat.bus) == 1);

    for (int i = 0; i < 100; i++) {
        bus_worker_doorbell(chat.bus, 42);
        bus_worker_event(chat.bus, STR("7"), STR(""));
    }
    TOWN_UNTIL(&town, sms[0].doorbells > 0 && sms[1].doorbells > 0 && town.events > 0);

    cr_assert(eq(int, sms[0].doorbells, 1), "rung once in one round");
    cr_assert(eq(int, town.events, 1));
    cr_assert(eq(int, chat.doorbells, 0));
    bus_worker_free(&chat.bus);
    bus_worker_free(&sms[0].bus);
    bus_worker_free(&sms[1].bus);
    town_close(&town);
}

static void nothing(void *context, struct str peer, struct str body)
{
    (void)peer;
    (void)body;
    ++*(int *)context;
}

static size_t queues_told(const struct town *town, struct bus_worker_view *view)
{
    return bus_gateway_workers(town->gateway, view, 1) == 1 ? view->queue_count : 0;
}

Test(bus, tells_gateways_what_waits_behind_their_workers)
{
    struct town town;
    struct resident worker = {0};
    struct bus_worker_view view;
    town_open(&town);
    town_start(&town);
    town_gateway(&town);
    town_worker(&town, &worker, SERVICE_SMS, "sms-worker-0", 10);

    TOWN_UNTIL(&town, queues_told(&town, &view) == 1);

    cr_assert(eq(str, (char *)view.queues[0].name, "letters"));
    cr_assert(eq(u64, view.queues[0].depth, 3));
    cr_assert(eq(u64, view.queues[0].oldest_ms, 1500));
    bus_worker_free(&worker.bus);
    town_close(&town);
}

Test(bus, drops_a_peer_that_sends_hostile_frames_and_serves_the_others)
{
    enum { FRAMES = 200 };
    struct town town;
    struct resident worker = {0};
    struct asked asked;
    struct err err;
    char endpoint[128];
    int heard = 0;
    town_open(&town);
    town_start(&town);
    town_gateway(&town);
    town_worker(&town, &worker, SERVICE_SMS, "sms-worker-0", 10);
    TOWN_UNTIL(&town, connected(&town) == 1);
    struct zmq_socket *stranger =
        zmq_socket_new(&town.loop, town.zmq,
                       &(struct zmq_socket_options){.kind = ZMQ_SOCKET_DEALER,
                                                    .routing_id = STR("stranger"),
                                                    .high_water_mark = 1000,
                                                    .received = nothing,
                                                    .context = &heard});
    snprintf(endpoint, sizeof endpoint, "ipc://%s/bus.gateway-0.sock", town.folder);
    cr_assert(zmq_socket_connect(stranger, endpoint, &err));

    // A heartbeat of somebody unknown is answered with "say HELLO", until it is banned.
    TOWN_UNTIL(&town, zmq_socket_send(stranger, STR_ABSENT, STR("\x95\x01\x03\x01\xc3\xc3")));
    TOWN_UNTIL(&town, heard == 1);
    for (int i = 0; i < FRAMES; i++)
        cr_assert(zmq_socket_send(stranger, STR_ABSENT, STR("\xdd\xff\xff\xff\xff")));
    cr_assert(zmq_socket_send(stranger, STR_ABSENT, STR("\x95\x01\x03\x01\xc3\xc3")));
    town_ask(&town, &asked, 1, 2000);
    TOWN_UNTIL(&town, asked.answered);

    cr_assert(eq(int, asked.code, ERR_OK));
    cr_assert(eq(int, heard, 1));
    zmq_socket_free(&stranger);
    bus_worker_free(&worker.bus);
    town_close(&town);
}
