// gateway_state: a gateway's end of the bus from the inside, for bus_gateway.c (its life),
// gateway_calls.c (the path of a call) and gateway_frames.c (what workers say).
#pragma once

#include "bus/gateway/bus_gateway.h"
#include "bus/gateway/calls.h"
#include "bus/gateway/gateway_workers.h"
#include "bus/gateway/peer_bans.h"
#include "bus/protocol.h"
#include "io/zmq/zmq_socket.h"
#include "telemetry/metrics.h"

struct bus_gateway {
    uv_loop_t *loop;
    struct zmq_socket *socket;
    struct bus_reader *reader;
    struct bus_gateway_options options;
    struct buf bind; // what options.bind points to: read again every second
    struct calls *calls;
    struct gateway_workers *workers;
    struct peer_bans bans;
    struct list dirty;      // workers with something to send
    struct buf refusals;    // struct bus_refusal, as many as were refused in this round
    struct buf frame;       // being sent
    struct bus_bells bells; // to pass on
    uv_prepare_t before_sleep;
    uv_idle_t awake; // while the end of the round has work
    uv_timer_t tick, deadline;
    // Ticks in which workers may still come. Not a time: while the gateway itself is stopped, no
    // worker can come.
    uint32_t patience;
    int64_t ticked_ms, deadline_armed_ms;
    unsigned handles_open;
    struct {
        struct metric *credit, *workers, *resent;
    } of_service[SERVICE_COUNT];
    struct metric *waiting, *oldest, *over_share;
    struct metric *strangers, *unfinished, *impostors; // refused connections, refused frames
    bool refusal_logged;                               // in the current second
    int64_t refused_ms;                                // the last time; 0: never
};

static inline int64_t gateway_now_ms(const struct bus_gateway *bus)
{
    return (int64_t)uv_now(bus->loop);
}

// Makes sure that the loop does not sleep before the end of the round is handled.
void gateway_want_round(struct bus_gateway *bus);

// ---- gateway_calls.c

void gateway_deadline_passed(uv_timer_t *timer);
// Places the calls that wait for a service as far as its workers have credit.
void gateway_place_waiting(struct bus_gateway *bus, enum service_id service);
void gateway_take_reply(struct bus_gateway *bus, struct gateway_worker *worker,
                        const struct bus_reply *reply);
// Sends the requests gathered for a worker; one that cannot be reached is marked broken.
void gateway_flush(struct bus_gateway *bus, struct gateway_worker *worker);
// Removes a worker; its calls go to other workers or are answered.
void gateway_lose(struct bus_gateway *bus, struct gateway_worker *worker, const char *reason);
// Fails the calls that wait for a service that has no worker any more, or had none yet.
void gateway_fail_waiting(struct bus_gateway *bus, enum service_id service, const char *why);
void gateway_answer_refusals(struct bus_gateway *bus);
void gateway_fail_all(struct bus_gateway *bus); // at the end

// ---- gateway_frames.c

void gateway_received(void *context, struct str peer, struct str body);
void gateway_ring(struct bus_gateway *bus); // passes the doorbells of this round on
// A connection was refused: no key, a wrong server key, or a key that is not on the list.
void gateway_refused(void *bus, bool unfinished);
// Sends bus->frame to a worker; an unreachable worker is removed at the end of the round.
void gateway_send(struct bus_gateway *bus, struct gateway_worker *worker);
