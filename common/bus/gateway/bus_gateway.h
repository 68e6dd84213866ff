// bus_gateway: the gateway's end of the bus. It is the queue: bounded, in memory, and never the
// only copy of anything that was acknowledged.
//
// A call is placed on a worker with credit (placement.h, credit.h). Without any, it waits in its
// service's bounded queue (4096 calls, 64 MiB together) until credit comes back, at most until its
// deadline: then ERR_BUSY. Tenants take turns there, and none has more than its share (turns.h):
// what it sends beyond is answered ERR_RATE_LIMITED. With no worker of that service connected it
// fails at once with ERR_UNAVAILABLE, but not while a gateway is so new that its workers are still
// on their way.
//
// A worker that vanishes (ZMTP or application heartbeats, BYE, or a HELLO of a new incarnation of
// the same instance) loses its requests to others: each is sent again once, if it still has time; a
// second loss answers ERR_UNKNOWN_OUTCOME. The database's unique keys make the repetition safe. What
// has not left yet is not lost.
//
// With CURVE the list of keys says which services a key may offer. A HELLO or later frame for
// another service is ignored and counted as a refused connection.
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "bus/protocol.h"
#include "telemetry/metrics.h"

#include <stdbool.h>
#include <uv.h>

struct bus_gateway;
struct zmq_bus_context;
struct zmq_curve;

enum { BUS_REFUSAL_TOLD_MS = 60 * 1000 };

struct bus_gateway_options {
    struct str bind; // "ipc:///run/nexus/bus.gateway-0.sock, tcp://127.0.0.1:5556"
    struct str instance;
    const struct zmq_curve *curve;
    bool spares_the_living; // an ipc:// place at which another process listens is not bound
    bool keeps_to_itself;   // nor, without CURVE, one in a directory that other users may enter
    // For this long after the start, in whole seconds, a call whose service has no worker waits for
    // one instead of failing.
    uint32_t patience_ms;
    // The deadline of each call is this many times what its envelope says; 0 is 1.
    uint32_t deadline_factor;
    // Percent of the queues, and of the workers' credit, that one tenant may take; 0: no limit.
    unsigned tenant_share;
    struct metrics *metrics;
    void (*event)(void *context, struct str topic, struct str payload);
    // A worker said HELLO; others is how many of its service were there already. May be NULL.
    void (*worker_came)(void *context, enum service_id service, size_t others);
    void *context;
};

struct bus_gateway *bus_gateway_new(uv_loop_t *loop, struct zmq_bus_context *zmq,
                                    const struct bus_gateway_options *options, struct err *err);
void bus_gateway_free(
    struct bus_gateway **bus); // calls still out are answered ERR_UNKNOWN_OUTCOME first

// code ERR_OK: payload is the reply's JSON text (may be empty). Otherwise payload is the error's
// text for the client. Runs exactly once, never inside bus_gateway_call(), at the latest
// deadline_ms, times the options' factor (+ 100 ms), after it with ERR_DEADLINE.
typedef void bus_reply_fn(void *context, enum err_code code, struct str payload);

// envelope->request is chosen here, and its deadline_ms multiplied by the options' factor. payload
// is copied. envelope->message decides the service.
void bus_gateway_call(struct bus_gateway *bus, struct envelope *envelope, struct str payload,
                      bus_reply_fn *reply, void *context);

struct bus_worker_view { // for /health/detail
    struct str instance;
    enum service_id service;
    bool db_ready, cache_ready, draining;
    uint32_t load;
    int64_t silent_ms;
    const struct bus_queue *queues; // valid until the next frame of its
    size_t queue_count;
    struct health_reasons reasons;
};
size_t bus_gateway_workers(const struct bus_gateway *bus, struct bus_worker_view *views,
                           size_t limit);
size_t bus_gateway_in_flight(const struct bus_gateway *bus);
// Was a connection or frame refused within the last BUS_REFUSAL_TOLD_MS?
bool bus_gateway_has_refused(const struct bus_gateway *bus);
