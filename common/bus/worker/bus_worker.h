// bus_worker: a worker's end of the bus: one DEALER to each gateway, so that no gateway is special.
//
// endpoints is a comma-separated list: "ipc://…" (a '*' in the last path segment stands for every
// socket file that matches), "tcp://host:port" (the name is resolved again every 5 s; each address
// is a gateway). Gateways that appear are connected within 5 s, those that vanished are dropped. A
// gateway that is silent for BUS_SILENCE_MS is left and connected anew with a fresh socket and
// HELLO.
//
// Replies of one round of the loop travel together in one frame, as requests do. A gateway that
// takes no more frames is left like a silent one; it then sends its unanswered requests to another
// worker.
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "bus/protocol.h"
#include "telemetry/metrics.h"

#include <stdbool.h>
#include <uv.h>

struct bus_worker;
struct bus_origin; // where a request came from; valid until its reply
struct zmq_bus_context;
struct zmq_curve;

struct bus_worker_options {
    struct str endpoints;
    enum service_id service;
    struct str instance;                    // "sms-worker-0"
    uint32_t credit_messages, credit_bytes; // per gateway; 256 and 4 MiB unless configured
    const struct zmq_curve *curve;
    struct metrics *metrics;
    // envelope and payload are valid inside the callback only.
    void (*request)(void *context, struct bus_origin *origin, const struct envelope *envelope,
                    struct str payload);
    void (*doorbell)(void *context, uint32_t destination); // may be NULL
    // Asked at each heartbeat for all but the load; what queues points at is valid until it is
    // asked again.
    void (*health)(void *context, struct bus_heartbeat *heartbeat);
    // After bus_worker_drain(): all gateways have said that nothing follows, and every request is
    // answered. Runs once. May be NULL.
    void (*drained)(void *context);
    void *context;
};

struct bus_worker *bus_worker_new(uv_loop_t *loop, struct zmq_bus_context *zmq,
                                  const struct bus_worker_options *options, struct err *err);
// Begins to look for gateways; a second call does nothing. A worker opens when it can serve;
// earlier it could only refuse requests.
void bus_worker_open(struct bus_worker *bus);
// Sends what health() says to all gateways now, without waiting for the next heartbeat.
void bus_worker_send_health(struct bus_worker *bus);
void bus_worker_free(struct bus_worker **bus); // says BYE; origins die with it
// Every request gets exactly one reply. If its gateway has gone the reply is dropped: the client is
// gone too.
void bus_worker_reply(struct bus_worker *bus, struct bus_origin *origin, enum err_code code,
                      struct str payload);
// Ends a request without an answer, as if it had been lost (failpoints).
void bus_worker_forget(struct bus_worker *bus, struct bus_origin *origin);
// To all gateways; best effort. Events without payload are hints: equal ones of one round are one.
void bus_worker_event(struct bus_worker *bus, struct str topic, struct str payload);
void bus_worker_doorbell(struct bus_worker *bus, uint32_t destination); // to all sms-workers
// Says DRAIN; requests already on the way still arrive.
void bus_worker_drain(struct bus_worker *bus);
size_t bus_worker_gateways(const struct bus_worker *bus); // that said WELCOME
