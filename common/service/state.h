// state: a service from the inside, for the files of this folder.
#pragma once

#include "base/random.h"
#include "bus/protocol.h"
#include "service/service.h"
#include "service/settings.h"
#include "telemetry/metrics.h"
#include "telemetry/spans.h"

struct address_ranges;
struct process;
struct tasks;

// One of the things a program may need. Started in the order the program names them, before its
// init; nothing arrives before the loop runs.
struct service_part {
    bool (*start)(struct service *service, struct err *err);
    void (*publish)(struct service *service);          // once a second, numbers for the metrics
    void (*drain)(struct service *service);            // SIGTERM; ends with service_part_drained()
    void (*database_changed)(struct service *service); // pg_ready() has the new state
    void (*reasons_changed)(struct service *service);  // service->reasons has them
    void (*quit)(struct service *service); // the last callbacks run; the program's state lives
    void (*stop)(struct service *service); // everything is given back; fine when half started
};

struct service {
    const struct service_def *def;
    struct settings settings;
    struct arena *arena; // of the settings
    uv_loop_t loop;
    uv_signal_t terminate, interrupt, louder, quieter;
    uv_timer_t drain_limit;
    struct metrics *metrics;
    struct spans *spans; // NULL: not sent
    size_t inflight[SERVICE_INFLIGHT_COUNT];
    struct random random;
    struct zmq_bus_context *zmq;
    struct process *process;
    void *state; // the program's
    bool draining;
    unsigned drains_left; // the program and the parts that still drain

    // The parts':
    struct pg *pg;
    struct pg_listen *pg_listen;
    uv_timer_t pg_look;
    int64_t pg_looked_ms;
    bool pg_probing;
    struct address_ranges *http_allow;
    struct http_client *http_client;
    struct bus_worker *bus;
    struct bus_queue queues[BUS_QUEUES_LIMIT]; // of the last heartbeat
    struct health_reasons reasons;             // what gateways were told last
    uv_timer_t bus_open;
    struct tasks *tasks;
};

// Why this process' health is not green, gathered from its parts and its program; gateways are told
// at once when it changes.
void service_health_look(struct service *service);

// The service's parts, in order.
#define SERVICE_PARTS(service, part)                                                               \
    for (size_t at_##part = 0; at_##part < SERVICE_PARTS_LIMIT; at_##part++)                       \
        for (const struct service_part *part = (service)->def->needs[at_##part]; part; part = NULL)
