// gateway_frames: what workers say to a gateway, and what it answers.
#include "base/revision.h"
#include "bus/gateway/gateway_state.h"
#include "telemetry/log.h"

void gateway_send(struct bus_gateway *bus, struct gateway_worker *worker)
{
    if (zmq_socket_send(bus->socket, gateway_worker_peer(worker), buf_str(&bus->frame)))
        return;
    worker->broken = true;
    if (!list_is_linked(&worker->dirty))
        list_append(&bus->dirty, &worker->dirty);
    gateway_want_round(bus);
}

// Logged at most once a second, because refused peers may retry without limit.
static void refusal_note(struct bus_gateway *bus, struct metric *count, const char *why,
                         struct str claims)
{
    metric_add(count, 1);
    bus->refused_ms = gateway_now_ms(bus);
    if (!bus->refusal_logged)
        LOG_WARN("bus.refused", LOG_STR("reason", str_of(why)), LOG_STR("claims", claims));
    bus->refusal_logged = true;
}

void gateway_refused(void *context, bool unfinished)
{
    struct bus_gateway *bus = context;

    if (unfinished)
        metric_add(bus->unfinished, 1); // normal: a probe does the same
    else
        refusal_note(bus, bus->strangers, "key", STR(""));
}

// A HELLO starts a new session: requests of an earlier session of this socket or instance are lost.
static void worker_hello(struct bus_gateway *bus, struct str peer, const struct bus_hello *hello)
{
    struct gateway_worker *earlier;
    struct bus_welcome welcome = {.instance = bus->options.instance, .build = str_of(revision)};

    while ((earlier = gateway_workers_find(bus->workers, peer)) ||
           (earlier = gateway_workers_named(bus->workers, hello->service, hello->instance)))
        gateway_lose(bus, earlier, "replaced");
    struct gateway_worker *worker =
        gateway_workers_add(bus->workers, peer, hello, gateway_now_ms(bus));
    if (!worker) {
        LOG_ERROR("bus.too_many_workers", LOG_STR("worker", hello->instance));
        return;
    }
    LOG_INFO("bus.worker_came", LOG_STR("worker", hello->instance), LOG_STR("build", hello->build));
    bus_write_welcome(&bus->frame, &welcome);
    gateway_send(bus, worker);
    if (bus->options.worker_came)
        bus->options.worker_came(bus->options.context, worker->service,
                                 gateway_workers_of(bus->workers, worker->service) - 1);
    gateway_place_waiting(bus, worker->service);
}

static void worker_drains(struct bus_gateway *bus, struct gateway_worker *worker)
{
    worker->draining = true;
    gateway_flush(bus, worker); // pending requests leave before the answer
    bus_write_bare(&bus->frame, BUS_DRAIN);
    gateway_send(bus, worker);
}

void gateway_ring(struct bus_gateway *bus)
{
    if (bus->bells.count == 0)
        return;
    bus_write_bells(&bus->frame, &bus->bells);
    bus->bells.count = 0;
    LIST_EACH (gateway_workers_list(bus->workers), struct gateway_worker, link, worker)
        if (worker->service == SERVICE_SMS && !worker->draining)
            gateway_send(bus, worker);
}

static bool frame_take(struct bus_gateway *bus, struct gateway_worker *worker,
                       const struct bus_frame *frame)
{
    switch (frame->type) {
    case BUS_REPLY:
        for (size_t i = 0; i < frame->count; i++)
            gateway_take_reply(bus, worker, &frame->items[i].reply);
        gateway_place_waiting(bus, worker->service);
        return true;
    case BUS_HEARTBEAT:
        gateway_worker_heard(worker, &frame->heartbeat);
        gateway_place_waiting(bus, worker->service); // its database may be back
        return !frame->bare;
    case BUS_DRAIN: worker_drains(bus, worker); return true;
    case BUS_BYE: gateway_lose(bus, worker, "bye"); return true;
    case BUS_EVENT:
        for (size_t i = 0; i < frame->count && bus->options.event; i++)
            bus->options.event(bus->options.context, frame->items[i].event.topic,
                               frame->items[i].event.payload);
        return true;
    case BUS_DOORBELL:
        for (size_t i = 0; i < frame->count; i++)
            bus_bells_add(&bus->bells, frame->items[i].destination);
        gateway_want_round(bus);
        return true;
    case BUS_HELLO:
    case BUS_WELCOME:
    case BUS_REQUEST: return false; // not allowed from a worker; HELLO was handled above
    }
    return false;
}

static void peer_offends(struct bus_gateway *bus, struct str peer, struct gateway_worker *worker,
                         const struct err *err)
{
    peer_bans_note(&bus->bans, peer, gateway_now_ms(bus));
    LOG_WARN("bus.malformed", LOG_ERR(err));
    if (worker)
        gateway_lose(bus, worker, "malformed");
    else
        metric_add(metrics_series(bus->options.metrics, METRIC_BUS_PEERS_DROPPED, "malformed"), 1);
}

// Does the sender's key allow the service it claims? Checked for each frame: once the owner of a
// routing id has left, any peer may choose that id.
static bool sender_is(struct bus_gateway *bus, enum service_id service)
{
    if (zmq_socket_sender_is(bus->socket, service_name(service)))
        return true;
    refusal_note(bus, bus->impostors, "service", service_name(service));
    return false;
}

void gateway_received(void *context, struct str peer, struct str body)
{
    struct bus_gateway *bus = context;
    struct gateway_worker *worker = gateway_workers_find(bus->workers, peer);
    struct bus_frame frame;
    struct err err;

    if (!worker && peer_bans_has(&bus->bans, peer, gateway_now_ms(bus)))
        return;
    if (worker && !sender_is(bus, worker->service))
        return;
    if (!bus_read(bus->reader, body, &frame, &err)) {
        peer_offends(bus, peer, worker, &err);
        return;
    }
    if (frame.type == BUS_HELLO && !frame.bare) {
        if (sender_is(bus, frame.hello.service))
            worker_hello(bus, peer, &frame.hello);
    } else if (!worker) {
        // This gateway is new, or dropped the worker while it was stopped.
        bus_write_bare(&bus->frame, BUS_HELLO);
        (void)!zmq_socket_send(bus->socket, peer, buf_str(&bus->frame));
    } else {
        worker->heard_ms = gateway_now_ms(bus);
        if (!frame_take(bus, worker, &frame)) {
            err_set(&err, ERR_BAD_INPUT, "frame: type %d is not for a gateway", (int)frame.type);
            peer_offends(bus, peer, worker, &err);
        }
    }
}
