// town: a gateway and workers over ipc on one loop, for the tests of the bus.
#pragma once

#include "base/metrics.h"
#include "bus/bus_gateway.h"
#include "bus/bus_worker.h"
#include "bus/protocol.h"
#include "io/loop.h"
#include "io/zmq_socket.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { TOWN_HELD_LIMIT = 512, TOWN_CALLS_LIMIT = 4096 };

struct town {
    char folder[64];
    uv_loop_t loop;
    struct zmq_bus_context *zmq;
    struct metrics *metrics;
    struct bus_gateway *gateway;
    int events;
};

// Answers at once unless it holds; what it holds it answers in town_release().
struct resident {
    struct town *town;
    struct bus_worker *bus;
    bool holds, drained;
    struct bus_origin *held[TOWN_HELD_LIMIT];
    int held_count, served, doorbells;
};

struct asked {
    enum err_code code;
    bool answered;
    char payload[64];
};

static inline void town_open(struct town *town)
{
    *town = (struct town){.zmq = NULL};
    snprintf(town->folder, sizeof town->folder, "/tmp/nexus-bus-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(town->folder), NULL));
}

static inline void town_start(struct town *town)
{
    cr_assert(eq(int, uv_loop_init(&town->loop), 0));
    town->zmq = zmq_bus_context_new();
    town->metrics = metrics_new();
}

static inline void town_event(void *context, struct str topic, struct str payload)
{
    struct town *town = context;
    (void)topic;
    (void)payload;
    town->events++;
}

static inline void town_gateway(struct town *town)
{
    char bind[128];
    struct err err = {0};

    snprintf(bind, sizeof bind, "ipc://%s/bus.gateway-0.sock", town->folder);
    town->gateway = bus_gateway_new(&town->loop, town->zmq,
                                    &(struct bus_gateway_options){.bind = str_of(bind),
                                                                  .instance = STR("gateway-0"),
                                                                  .metrics = town->metrics,
                                                                  .event = town_event,
                                                                  .context = town},
                                    &err);
    cr_assert(ne(ptr, town->gateway, NULL), "%s", err.text);
}

static inline void resident_asked(void *context, struct bus_origin *origin,
                                  const struct envelope *envelope, struct str payload)
{
    struct resident *resident = context;

    (void)envelope;
    resident->served++;
    if (resident->holds && resident->held_count < TOWN_HELD_LIMIT)
        resident->held[resident->held_count++] = origin;
    else
        bus_worker_reply(resident->bus, origin, ERR_OK, payload);
}

static inline void resident_doorbell(void *context, uint32_t destination)
{
    struct resident *resident = context;
    resident->doorbells += destination == 42;
}

static inline void resident_health(void *context, struct bus_heartbeat *heartbeat)
{
    static const struct bus_queue queue = {.name = "letters", .depth = 3, .oldest_ms = 1500};

    (void)context;
    heartbeat->db_ready = heartbeat->cache_ready = true;
    heartbeat->queues = &queue;
    heartbeat->queue_count = 1;
}

static inline void resident_drained(void *context)
{
    struct resident *resident = context;
    resident->drained = true;
}

static inline void town_worker(struct town *town, struct resident *resident,
                               enum service_id service, const char *instance, uint32_t credit)
{
    char endpoints[128];
    struct err err = {0};

    resident->town = town;
    snprintf(endpoints, sizeof endpoints, "ipc://%s/bus.gateway-*.sock", town->folder);
    resident->bus = bus_worker_new(&town->loop, town->zmq,
                                   &(struct bus_worker_options){.endpoints = str_of(endpoints),
                                                                .service = service,
                                                                .instance = str_of(instance),
                                                                .credit_messages = credit,
                                                                .credit_bytes = 4 * 1024 * 1024,
                                                                .metrics = town->metrics,
                                                                .request = resident_asked,
                                                                .doorbell = resident_doorbell,
                                                                .health = resident_health,
                                                                .drained = resident_drained,
                                                                .context = resident},
                                   &err);
    cr_assert(ne(ptr, resident->bus, NULL), "%s", err.text);
    bus_worker_open(resident->bus);
}

static inline void resident_release(struct resident *resident)
{
    for (int i = 0; i < resident->held_count; i++)
        bus_worker_reply(resident->bus, resident->held[i], ERR_OK, STR("late"));
    resident->held_count = 0;
}

static inline void asked_answered(void *context, enum err_code code, struct str payload)
{
    struct asked *asked = context;

    cr_assert(not(asked->answered), "answered twice");
    asked->answered = true;
    asked->code = code;
    memcpy(asked->payload, payload.ptr, payload.len < 63 ? payload.len : 63);
}

static inline void town_ask(struct town *town, struct asked *asked, uint64_t partition,
                            uint32_t deadline_ms)
{
    struct envelope envelope = {
        .message = MSG_SMS_INBOUND, .partition = partition, .deadline_ms = deadline_ms};

    *asked = (struct asked){0};
    bus_gateway_call(town->gateway, &envelope, STR("question"), asked_answered, asked);
    cr_assert(not(asked->answered), "answered inside the call");
}

static inline int answered_count(const struct asked *asked, int count, enum err_code code)
{
    int with_code = 0;

    for (int i = 0; i < count; i++)
        with_code += asked[i].answered && asked[i].code == code;
    return with_code;
}

static inline void town_clock(uv_timer_t *timer)
{
    ++*(int *)timer->data;
}

// Runs the loop until the condition holds; the test fails after 15 s. The clock wakes the loop,
// because what makes the condition true may happen just before it sleeps.
#define TOWN_UNTIL(town, condition)                                                                \
    do {                                                                                           \
        uv_timer_t clock_;                                                                         \
        int ticks_ = 0;                                                                            \
        uv_timer_init(&(town)->loop, &clock_);                                                     \
        clock_.data = &ticks_;                                                                     \
        uv_timer_start(&clock_, town_clock, 5, 5);                                                 \
        while (!(condition) && ticks_ < 3000)                                                      \
            uv_run(&(town)->loop, UV_RUN_ONCE);                                                    \
        uv_close((uv_handle_t *)&clock_, NULL);                                                    \
        uv_run(&(town)->loop, UV_RUN_NOWAIT);                                                      \
        cr_assert(lt(int, ticks_, 3000), "15 s and not yet: %s", #condition);                      \
    } while (0)

static inline void town_close(struct town *town)
{
    char command[128];

    bus_gateway_free(&town->gateway);
    loop_close(&town->loop);
    zmq_bus_context_free(&town->zmq);
    metrics_free(&town->metrics);
    snprintf(command, sizeof command, "rm -rf %s", town->folder);
    cr_assert(eq(int, system(command), 0));
}
