// gateway_state: a gateway's end of the bus from the inside, for bus_gateway.c (its life),
// gateway_calls.c (the way of a call) and gateway_frames.c (what workers say).
#pragma once

#include "base/metrics.h"
#include "bus/bus_gateway.h"
#include "bus/calls.h"
#include "bus/gateway_workers.h"
#include "bus/offenders.h"
#include "bus/protocol.h"
#include "io/zmq_socket.h"

struct bus_gateway {
    uv_loop_t *loop;
    struct zmq_socket *socket;
    struct bus_reader *reader;
    struct bus_gateway_options options;
    struct buf bind; // what options.bind points to: looked at as long as the bus lives
    struct calls *calls;
    struct gateway_workers *workers;
    struct offenders offenders;
    struct list dirty;      // workers with something to send
    struct buf refusals;    // struct refusal, as many as were refused in this round
    struct buf frame;       // being sent
    struct bus_bells bells; // to pass on
    uv_prepare_t before_sleep;
    uv_idle_t awake; // while the end of the round has work
    uv_timer_t tick, deadline;
    int64_t patient_until_ms; // 0: no longer
    int64_t ticked_ms, deadline_armed_ms;
    unsigned handles_open;
    struct {
        struct metric *credit, *workers, *resent;
        bool has_come; // some worker of it, at least once
    } of_service[SERVICE_COUNT];
    struct metric *waiting, *oldest, *over_share;
    struct metric *strangers, *unfinished, *impostors; // refused connections, refused frames
    bool refusal_logged;                               // in this second
    int64_t refused_ms;                                // the last time; 0: never
};

static inline int64_t gateway_now_ms(const struct bus_gateway *bus)
{
    return (int64_t)uv_now(bus->loop);
}

// What the end of the round has to do must not be slept over.
void gateway_want_round(struct bus_gateway *bus);

// ---- gateway_calls.c

void gateway_deadline_passed(uv_timer_t *timer);
// Places what waits for a service, as far as its workers have credit.
void gateway_place_waiting(struct bus_gateway *bus, enum service_id service);
void gateway_take_reply(struct bus_gateway *bus, struct gateway_worker *worker,
                        const struct bus_reply *reply);
// Sends the requests gathered for a worker; one that cannot be reached is marked broken.
void gateway_flush(struct bus_gateway *bus, struct gateway_worker *worker);
// Forgets a worker; its calls go to others, or are answered.
void gateway_lose(struct bus_gateway *bus, struct gateway_worker *worker, const char *reason);
// Fails what waits for a service whose last worker has gone, or of which none has come.
void gateway_fail_waiting(struct bus_gateway *bus, enum service_id service, const char *why);
void gateway_answer_refusals(struct bus_gateway *bus);
void gateway_fail_all(struct bus_gateway *bus); // at the end

// ---- gateway_frames.c

void gateway_received(void *context, struct str peer, struct str body);
void gateway_ring(struct bus_gateway *bus); // passes the doorbells of this round on
// A connection was refused: no key, another's, or one that is not on the list.
void gateway_refused(void *bus, bool unfinished);
// Sends bus->frame to a worker; one that cannot be reached is buried at the end of the round.
void gateway_send(struct bus_gateway *bus, struct gateway_worker *worker);
