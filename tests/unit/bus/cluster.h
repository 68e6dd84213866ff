// cluster: a gateway and workers over ipc on one loop, for the tests of the bus.
#pragma once

#include "bus/gateway/bus_gateway.h"
#include "bus/protocol.h"
#include "bus/worker/bus_worker.h"
#include "io/loop.h"
#include "io/zmq/zmq_socket.h"
#include "telemetry/metrics.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { CLUSTER_HELD_LIMIT = 512, CLUSTER_CALLS_LIMIT = 4096 };

struct cluster {
    char folder[64];
    uv_loop_t loop;
    struct zmq_bus_context *zmq;
    struct metrics *metrics;
    struct bus_gateway *gateway;
    uint32_t deadline_factor, patience_ms; // of the gateway; set before cluster_gateway()
    int events;
};

// Replies at once, unless it holds requests; then cluster_worker_release() replies.
struct cluster_worker {
    struct cluster *cluster;
    struct bus_worker *bus;
    bool holds, drained;
    struct bus_origin *held[CLUSTER_HELD_LIMIT];
    int held_count, served, doorbells;
    uint32_t deadline_ms; // what the last request had left
};

struct cluster_call {
    enum err_code code;
    bool answered;
    char payload[64];
};

static inline void cluster_open(struct cluster *cluster)
{
    *cluster = (struct cluster){.zmq = NULL};
    snprintf(cluster->folder, sizeof cluster->folder, "/tmp/nexus-bus-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(cluster->folder), NULL));
}

static inline void cluster_start(struct cluster *cluster)
{
    cr_assert(eq(int, uv_loop_init(&cluster->loop), 0));
    cluster->zmq = zmq_bus_context_new();
    cluster->metrics = metrics_new();
}

static inline void cluster_event(void *context, struct str topic, struct str payload)
{
    struct cluster *cluster = context;
    (void)topic;
    (void)payload;
    cluster->events++;
}

static inline void cluster_gateway(struct cluster *cluster)
{
    char bind[128];
    struct err err = {0};

    snprintf(bind, sizeof bind, "ipc://%s/bus.gateway-0.sock", cluster->folder);
    cluster->gateway =
        bus_gateway_new(&cluster->loop, cluster->zmq,
                        &(struct bus_gateway_options){.bind = str_of(bind),
                                                      .instance = STR("gateway-0"),
                                                      .deadline_factor = cluster->deadline_factor,
                                                      .patience_ms = cluster->patience_ms,
                                                      .metrics = cluster->metrics,
                                                      .event = cluster_event,
                                                      .context = cluster},
                        &err);
    cr_assert(ne(ptr, cluster->gateway, NULL), "%s", err.text);
}

static inline void cluster_worker_request(void *context, struct bus_origin *origin,
                                          const struct envelope *envelope, struct str payload)
{
    struct cluster_worker *worker = context;

    worker->deadline_ms = envelope->deadline_ms;
    worker->served++;
    if (worker->holds && worker->held_count < CLUSTER_HELD_LIMIT)
        worker->held[worker->held_count++] = origin;
    else
        bus_worker_reply(worker->bus, origin, ERR_OK, payload);
}

static inline void cluster_worker_doorbell(void *context, uint32_t destination)
{
    struct cluster_worker *worker = context;
    worker->doorbells += destination == 42;
}

static inline void cluster_worker_health(void *context, struct bus_heartbeat *heartbeat)
{
    static const struct bus_queue queue = {.name = "letters", .depth = 3, .oldest_ms = 1500};

    (void)context;
    heartbeat->db_ready = heartbeat->cache_ready = true;
    heartbeat->queues = &queue;
    heartbeat->queue_count = 1;
}

static inline void cluster_worker_drained(void *context)
{
    struct cluster_worker *worker = context;
    worker->drained = true;
}

static inline void cluster_worker(struct cluster *cluster, struct cluster_worker *worker,
                                  enum service_id service, const char *instance, uint32_t credit)
{
    char endpoints[128];
    struct err err = {0};

    worker->cluster = cluster;
    snprintf(endpoints, sizeof endpoints, "ipc://%s/bus.gateway-*.sock", cluster->folder);
    worker->bus = bus_worker_new(&cluster->loop, cluster->zmq,
                                 &(struct bus_worker_options){.endpoints = str_of(endpoints),
                                                              .service = service,
                                                              .instance = str_of(instance),
                                                              .credit_messages = credit,
                                                              .credit_bytes = 4 * 1024 * 1024,
                                                              .metrics = cluster->metrics,
                                                              .request = cluster_worker_request,
                                                              .doorbell = cluster_worker_doorbell,
                                                              .health = cluster_worker_health,
                                                              .drained = cluster_worker_drained,
                                                              .context = worker},
                                 &err);
    cr_assert(ne(ptr, worker->bus, NULL), "%s", err.text);
    bus_worker_open(worker->bus);
}

static inline void cluster_worker_release(struct cluster_worker *worker)
{
    for (int i = 0; i < worker->held_count; i++)
        bus_worker_reply(worker->bus, worker->held[i], ERR_OK, STR("late"));
    worker->held_count = 0;
}

static inline void cluster_call_answered(void *context, enum err_code code, struct str payload)
{
    struct cluster_call *call = context;

    cr_assert(not(call->answered), "answered twice");
    call->answered = true;
    call->code = code;
    memcpy(call->payload, payload.ptr, payload.len < 63 ? payload.len : 63);
}

static inline void cluster_ask(struct cluster *cluster, struct cluster_call *call,
                               uint64_t partition, uint32_t deadline_ms)
{
    struct envelope envelope = {
        .message = MSG_SMS_INBOUND, .partition = partition, .deadline_ms = deadline_ms};

    *call = (struct cluster_call){0};
    bus_gateway_call(cluster->gateway, &envelope, STR("question"), cluster_call_answered, call);
    cr_assert(not(call->answered), "answered inside the call");
}

static inline int calls_with_code(const struct cluster_call *calls, int count, enum err_code code)
{
    int with_code = 0;

    for (int i = 0; i < count; i++)
        with_code += calls[i].answered && calls[i].code == code;
    return with_code;
}

static inline void cluster_clock(uv_timer_t *timer)
{
    ++*(int *)timer->data;
}

// Runs the loop until the condition holds; the test fails after 15 s. A timer wakes the loop,
// because the condition may become true just before the loop sleeps.
#define CLUSTER_UNTIL(cluster, condition)                                                          \
    do {                                                                                           \
        uv_timer_t clock_;                                                                         \
        int ticks_ = 0;                                                                            \
        uv_timer_init(&(cluster)->loop, &clock_);                                                  \
        clock_.data = &ticks_;                                                                     \
        uv_timer_start(&clock_, cluster_clock, 5, 5);                                              \
        while (!(condition) && ticks_ < 3000)                                                      \
            uv_run(&(cluster)->loop, UV_RUN_ONCE);                                                 \
        uv_close((uv_handle_t *)&clock_, NULL);                                                    \
        uv_run(&(cluster)->loop, UV_RUN_NOWAIT);                                                   \
        cr_assert(lt(int, ticks_, 3000), "not within 15 s: %s", #condition);                       \
    } while (0)

static inline void cluster_close(struct cluster *cluster)
{
    char command[128];

    bus_gateway_free(&cluster->gateway);
    loop_close(&cluster->loop);
    zmq_bus_context_free(&cluster->zmq);
    metrics_free(&cluster->metrics);
    snprintf(command, sizeof command, "rm -rf %s", cluster->folder);
    cr_assert(eq(int, system(command), 0));
}
