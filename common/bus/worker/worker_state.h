// worker_state: a worker's end of the bus from the inside, for bus_worker.c (its life),
// worker_links.c (one link a gateway) and worker_requests.c (from a request to its reply).
//
// A session on a link begins with our HELLO. Requests of an earlier session are forgotten on both
// sides, and the gateway sends them to another worker.
#pragma once

#include "base/list.h"
#include "bus/protocol.h"
#include "bus/worker/bus_worker.h"
#include "bus/worker/endpoints.h"
#include "io/zmq/zmq_socket.h"
#include "telemetry/metrics.h"

enum { LINKS_LIMIT = 64, LOOK_MS = 5000, UNSEEN_MS = 3 * LOOK_MS, HINTS_LIMIT = 64 };

struct bus_link {
    struct list link, dirty;
    struct bus_worker *bus;
    struct zmq_socket *socket; // NULL until the next tick, after a fault
    char address[ENDPOINT_LIMIT];
    bool greeted;     // we said HELLO
    bool welcomed;    // and it answered
    bool drain_noted; // it knows that we drain, and sends nothing more
    bool broken;      // its socket refused a frame
    int64_t greeted_ms;
    int64_t heard_ms; // its last frame
    int64_t seen_ms;  // when its address was last found
    struct list origins;
    uint32_t unanswered;
    struct bus_list replies; // leave at the end of this round of the loop
};

struct bus_origin {
    struct list link;      // its bus_link's, the orphans', or the spare ones
    struct bus_link *from; // NULL: an orphan; its reply is dropped
    uint64_t request;
};

struct bus_worker {
    uv_loop_t *loop;
    struct zmq_bus_context *zmq;
    struct bus_worker_options options;
    struct endpoints *endpoints;
    struct bus_reader *reader;
    uint64_t incarnation;
    uint32_t sockets_made; // each has a routing id of its own
    struct list links, dirty, orphans, spare;
    size_t link_count, unanswered;
    struct buf frame; // being sent
    struct bus_list events;
    struct {
        char topic[BUS_NAME_LIMIT];
        size_t length;
    } hints[HINTS_LIMIT]; // events of this round without payload
    size_t hint_count;
    struct bus_bells bells;
    bool opened, draining, drained_sent;
    uv_prepare_t before_sleep;
    uv_idle_t awake;
    uv_timer_t tick, look;
    int64_t ticked_ms;
    unsigned handles_open;
};

static inline int64_t worker_now_ms(const struct bus_worker *bus)
{
    return (int64_t)uv_now(bus->loop);
}

// Makes sure that the loop does not sleep before the end of the round is handled.
void worker_want_round(struct bus_worker *bus);

// ---- worker_links.c

void bus_link_found(void *bus, const char *address); // an endpoint_found_fn
void bus_link_send(struct bus_link *link);           // bus->frame; a refusal marks the link broken
void bus_link_greet(struct bus_link *link);          // says HELLO: a new session
void bus_link_heartbeat(struct bus_link *link);
void bus_link_say_drain(struct bus_link *link);
// Leaves a gateway; the next tick connects again with a new socket, so that no half-open connection
// remains.
void bus_link_drop(struct bus_link *link, const char *reason);
// Leaves a gateway to which a send failed, and connects again at once.
void bus_link_renew(struct bus_link *link);
void bus_link_free(struct bus_link *link);
void bus_link_tick(struct bus_link *link);

// ---- worker_requests.c

void bus_link_received(void *link, struct str peer, struct str body);
void bus_link_flush(struct bus_link *link); // sends the replies gathered for it
