// bus_worker: one link a gateway. A link's life begins with our HELLO; whatever an earlier life
// still owed is forgotten on both sides, and the gateway asks again elsewhere.
#include "bus/bus_worker.h"

#include "base/list.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/random.h"
#include "bus/endpoints.h"
#include "bus/protocol.h"
#include "io/zmq_socket.h"

#include <stdlib.h>

enum {
    LINKS_LIMIT = 64,
    LOOK_MS = 5000,
    LOOK_EAGERLY_MS = 250, // while no gateway is there
    UNSEEN_MS = 3 * LOOK_MS,
    HINTS_LIMIT = 64,
};

struct bus_link {
    struct list link, dirty;
    struct bus_worker *bus;
    struct zmq_socket *socket; // NULL until the next tick, after a fault
    char address[ENDPOINT_LIMIT];
    bool greeted;     // we said HELLO
    bool welcomed;    // and it answered
    bool drain_noted; // it knows that we drain, and sends nothing more
    bool broken;      // its socket refused a frame
    int64_t heard_ms; // its last frame
    int64_t seen_ms;  // when its address was last found
    struct list origins;
    uint32_t unanswered;
    struct bus_list replies; // leave at the end of this round of the loop
};

struct bus_origin {
    struct list link;      // its bus_link's, the orphans', or the spare ones
    struct bus_link *from; // NULL: an orphan; its answer interests nobody
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
    bool draining, drained_told;
    uv_prepare_t before_sleep;
    uv_idle_t awake;
    uv_timer_t tick, look;
    int64_t ticked_ms;
    unsigned handles_open;
};

static void stay_awake(uv_idle_t *idle)
{
    (void)idle;
}

// What the end of the round has to do must not be slept over.
static void round_wanted(struct bus_worker *bus)
{
    uv_idle_start(&bus->awake, stay_awake);
}

static int64_t now_ms(const struct bus_worker *bus)
{
    return (int64_t)uv_now(bus->loop);
}

// ---- links

// Sends bus->frame.
static void link_send(struct bus_link *link)
{
    if (link->socket && !zmq_socket_send(link->socket, STR_ABSENT, buf_str(&link->bus->frame)))
        link->broken = true;
}

static void link_forget(struct bus_link *link)
{
    while (!list_is_empty(&link->origins)) {
        struct bus_origin *origin = LIST_FIRST(&link->origins, struct bus_origin, link);
        origin->from = NULL;
        list_remove(&origin->link);
        list_append(&link->bus->orphans, &origin->link);
    }
    link->unanswered = 0;
    link->greeted = link->welcomed = link->drain_noted = link->broken = false;
    bus_list_clear(&link->replies);
    list_remove(&link->dirty);
    round_wanted(link->bus); // a drain may be complete now
}

static void link_greet(struct bus_link *link)
{
    struct bus_worker *bus = link->bus;
    const struct bus_hello hello = {.service = bus->options.service,
                                    .instance = bus->options.instance,
                                    .build = STR(NEXUS_REVISION),
                                    .incarnation = bus->incarnation,
                                    .credit_messages = bus->options.credit_messages,
                                    .credit_bytes = bus->options.credit_bytes};

    link_forget(link);
    if (bus->draining)
        return;
    bus_write_hello(&bus->frame, &hello);
    // Refused while the connection is being made; link_writable() says it then.
    link->greeted = zmq_socket_send(link->socket, STR_ABSENT, buf_str(&bus->frame));
}

static void link_writable(void *context)
{
    link_greet(context);
}

static void link_received(void *context, struct str peer, struct str body);

static void link_connect(struct bus_link *link)
{
    struct bus_worker *bus = link->bus;
    AUTO(buf) routing_id = {0};
    struct err err;

    buf_printf(&routing_id, "%.*s.%016llx.%u", STR_ARG(bus->options.instance),
               (unsigned long long)bus->incarnation, ++bus->sockets_made);
    link->socket =
        zmq_socket_new(bus->loop, bus->zmq,
                       &(struct zmq_socket_options){.kind = ZMQ_SOCKET_DEALER,
                                                    .routing_id = buf_str(&routing_id),
                                                    .high_water_mark = BUS_HIGH_WATER_MARK,
                                                    .curve = bus->options.curve,
                                                    .received = link_received,
                                                    .writable = link_writable,
                                                    .context = link});
    link->heard_ms = now_ms(bus);
    if (zmq_socket_connect(link->socket, link->address, &err)) {
        link_greet(link);
        return;
    }
    LOG_ERROR("bus.connect_failed", LOG_ERR(&err));
    zmq_socket_free(&link->socket);
}

// The next tick connects anew, with a socket that no half-dead connection is left of.
static void link_drop(struct bus_link *link, const char *reason)
{
    struct bus_worker *bus = link->bus;

    if (link->welcomed || !str_equal(str_of(reason), STR("silent")))
        LOG_WARN("bus.gateway_lost", LOG_STR("gateway", str_of(link->address)),
                 LOG_STR("reason", str_of(reason)), LOG_INT("unanswered", link->unanswered));
    link_forget(link);
    zmq_socket_free(&link->socket);
    metric_add(metrics_series(bus->options.metrics, METRIC_BUS_PEERS_DROPPED, reason), 1);
}

static void link_free(struct bus_link *link)
{
    link_forget(link);
    zmq_socket_free(&link->socket);
    list_remove(&link->link);
    bus_list_release(&link->replies);
    link->bus->link_count--;
    free(link);
}

static void address_found(void *context, const char *address)
{
    struct bus_worker *bus = context;

    LIST_EACH (&bus->links, struct bus_link, link, link) {
        if (str_equal(str_of(link->address), str_of(address))) {
            link->seen_ms = now_ms(bus);
            return;
        }
    }
    if (bus->draining || bus->link_count == LINKS_LIMIT)
        return;
    struct bus_link *link = calloc(1, sizeof *link);
    if (!link)
        panic("out of memory");
    *link = (struct bus_link){.bus = bus, .seen_ms = now_ms(bus)};
    memcpy(link->address, address, strlen(address) + 1);
    list_init(&link->dirty);
    list_init(&link->origins);
    list_append(&bus->links, &link->link);
    bus->link_count++;
    link_connect(link);
}

// ---- what gateways say

static void heartbeat_send(struct bus_link *link)
{
    struct bus_worker *bus = link->bus;
    struct bus_heartbeat health = {.load = (uint32_t)bus->unanswered};

    bus->options.health(bus->options.context, &health.db_ready, &health.cache_ready);
    bus_write_heartbeat(&bus->frame, &health);
    link_send(link);
}

static void drain_send(struct bus_link *link)
{
    bus_write_bare(&link->bus->frame, BUS_DRAIN);
    link_send(link);
}

static void link_welcomed(struct bus_link *link, const struct bus_welcome *welcome)
{
    LOG_INFO("bus.gateway_came", LOG_STR("gateway", welcome->instance),
             LOG_STR("build", welcome->build));
    link->welcomed = true;
    heartbeat_send(link);
    if (link->bus->draining)
        drain_send(link);
}

static void reply_add(struct bus_link *link, uint64_t request, enum err_code code,
                      struct str payload);

static struct bus_origin *origin_take(struct bus_link *link, uint64_t request)
{
    struct bus_worker *bus = link->bus;
    struct bus_origin *origin;

    if (list_is_empty(&bus->spare)) {
        origin = calloc(1, sizeof *origin);
        if (!origin)
            panic("out of memory");
    } else {
        origin = LIST_FIRST(&bus->spare, struct bus_origin, link);
        list_remove(&origin->link);
    }
    *origin = (struct bus_origin){.from = link, .request = request};
    list_append(&link->origins, &origin->link);
    link->unanswered++;
    bus->unanswered++;
    return origin;
}

static bool request_take(struct bus_link *link, const struct bus_request *request)
{
    struct bus_worker *bus = link->bus;
    struct envelope envelope;
    struct err err;

    if (!envelope_decode(request->envelope, &envelope, &err))
        return false;
    // Beyond the credit we gave: the table of requests in work stays bounded.
    if (link->unanswered >= bus->options.credit_messages)
        reply_add(link, envelope.request, ERR_BUSY, STR("more requests than credit"));
    else
        bus->options.request(bus->options.context, origin_take(link, envelope.request), &envelope,
                             request->payload);
    return true;
}

static bool frame_take(struct bus_link *link, const struct bus_frame *frame)
{
    struct bus_worker *bus = link->bus;
    bool ok = true;

    switch (frame->type) {
    case BUS_REQUEST:
        for (size_t i = 0; ok && i < frame->count; i++)
            ok = request_take(link, &frame->items[i].request);
        return ok;
    case BUS_WELCOME: link_welcomed(link, &frame->welcome); return true;
    case BUS_HEARTBEAT: return frame->bare;
    case BUS_DRAIN:
        link->drain_noted = true;
        round_wanted(bus);
        return true;
    case BUS_DOORBELL:
        for (size_t i = 0; i < frame->count && bus->options.doorbell; i++)
            bus->options.doorbell(bus->options.context, frame->items[i].destination);
        return true;
    case BUS_HELLO:
        // It asks once for each frame we sent while it did not know us; one answer is enough.
        if (frame->bare && (link->welcomed || !link->greeted))
            link_greet(link);
        return frame->bare;
    case BUS_REPLY:
    case BUS_EVENT:
    case BUS_BYE: return false;
    }
    return false;
}

static void link_received(void *context, struct str peer, struct str body)
{
    struct bus_link *link = context;
    struct bus_frame frame;
    struct err err;

    (void)peer;
    link->heard_ms = now_ms(link->bus);
    if (!bus_read(link->bus->reader, body, &frame, &err) || !frame_take(link, &frame))
        link_drop(link, "malformed");
}

// ---- what we say

static void replies_flush(struct bus_link *link)
{
    if (link->replies.count == 0)
        return;
    bus_list_frame(&link->replies, BUS_REPLY, &link->bus->frame);
    bus_list_clear(&link->replies);
    link_send(link);
}

static void reply_add(struct bus_link *link, uint64_t request, enum err_code code,
                      struct str payload)
{
    if (payload.len > BUS_ITEM_LIMIT) {
        code = ERR_INTERNAL;
        payload = STR("the answer is larger than a frame");
    }
    if (!bus_list_has_room(&link->replies, payload.len))
        replies_flush(link);
    bus_list_reply(&link->replies, request, code, payload);
    if (!list_is_linked(&link->dirty))
        list_append(&link->bus->dirty, &link->dirty);
    round_wanted(link->bus);
}

void bus_worker_reply(struct bus_worker *bus, struct bus_origin *origin, enum err_code code,
                      struct str payload)
{
    if (origin->from)
        reply_add(origin->from, origin->request, code, payload);
    bus_worker_forget(bus, origin);
}

void bus_worker_forget(struct bus_worker *bus, struct bus_origin *origin)
{
    if (origin->from)
        origin->from->unanswered--;
    list_remove(&origin->link);
    list_append(&bus->spare, &origin->link);
    bus->unanswered--;
    round_wanted(bus); // a drain may be complete now
}

// True when this round has it already.
static bool hint_repeats(struct bus_worker *bus, struct str topic)
{
    for (size_t i = 0; i < bus->hint_count; i++)
        if (str_equal(str_make(bus->hints[i].topic, bus->hints[i].length), topic))
            return true;
    if (bus->hint_count < HINTS_LIMIT) {
        memcpy(bus->hints[bus->hint_count].topic, topic.ptr, topic.len);
        bus->hints[bus->hint_count++].length = topic.len;
    }
    return false;
}

static void events_flush(struct bus_worker *bus)
{
    if (bus->events.count == 0)
        return;
    bus_list_frame(&bus->events, BUS_EVENT, &bus->frame);
    bus_list_clear(&bus->events);
    bus->hint_count = 0;
    LIST_EACH (&bus->links, struct bus_link, link, link)
        if (link->welcomed)
            link_send(link);
}

void bus_worker_event(struct bus_worker *bus, struct str topic, struct str payload)
{
    ASSERT(topic.len <= BUS_NAME_LIMIT);
    if (payload.len > BUS_ITEM_LIMIT || (payload.len == 0 && hint_repeats(bus, topic)))
        return;
    if (!bus_list_has_room(&bus->events, topic.len + payload.len))
        events_flush(bus);
    bus_list_event(&bus->events, topic, payload);
    round_wanted(bus);
}

void bus_worker_doorbell(struct bus_worker *bus, uint32_t destination)
{
    bus_bells_add(&bus->bells, destination);
    round_wanted(bus);
}

static void bells_flush(struct bus_worker *bus)
{
    if (bus->bells.count == 0)
        return;
    bus_write_bells(&bus->frame, &bus->bells);
    bus->bells.count = 0;
    LIST_EACH (&bus->links, struct bus_link, link, link)
        if (link->welcomed)
            link_send(link);
}

// ---- rounds and ticks

static void drained_check(struct bus_worker *bus)
{
    if (!bus->draining || bus->drained_told || bus->unanswered > 0)
        return;
    LIST_EACH (&bus->links, struct bus_link, link, link)
        if (link->welcomed && !link->drain_noted)
            return;
    bus->drained_told = true;
    if (bus->options.drained)
        bus->options.drained(bus->options.context);
}

static void round_end(uv_prepare_t *prepare)
{
    struct bus_worker *bus = prepare->data;

    uv_idle_stop(&bus->awake);
    while (!list_is_empty(&bus->dirty)) {
        struct bus_link *link = LIST_FIRST(&bus->dirty, struct bus_link, dirty);
        list_remove(&link->dirty);
        replies_flush(link);
    }
    events_flush(bus);
    bells_flush(bus);
    LIST_EACH (&bus->links, struct bus_link, link, link)
        if (link->broken)
            link_drop(link, "full");
    drained_check(bus);
}

static void link_tick(struct bus_link *link)
{
    struct bus_worker *bus = link->bus;
    bool silent = now_ms(bus) - link->heard_ms > BUS_SILENCE_MS;

    if (silent && now_ms(bus) - link->seen_ms > UNSEEN_MS) {
        link_free(link); // its address is not there any more
        return;
    }
    if (silent && link->socket)
        link_drop(link, "silent");
    if (!link->socket && !bus->draining)
        link_connect(link);
    else if (link->welcomed)
        heartbeat_send(link);
    else if (link->greeted) // and not answered: said to a connection that broke
        link_greet(link);
}

static void ticked(uv_timer_t *timer)
{
    struct bus_worker *bus = timer->data;
    // A worker that was frozen itself has not listened: it knows nothing of anybody's silence.
    bool frozen = now_ms(bus) - bus->ticked_ms > BUS_SILENCE_MS / 2;

    bus->ticked_ms = now_ms(bus);
    LIST_EACH (&bus->links, struct bus_link, link, link) {
        if (frozen)
            link->heard_ms = now_ms(bus);
        link_tick(link);
    }
}

static void look(uv_timer_t *timer)
{
    struct bus_worker *bus = timer->data;
    uint64_t pause_ms = bus_worker_gateways(bus) ? LOOK_MS : LOOK_EAGERLY_MS;

    endpoints_look(bus->endpoints);
    uv_timer_start(&bus->look, look, pause_ms, 0);
}

// ---- life

// The round's end is started before the sockets' handles: libuv runs the latest first, so what a
// socket receives can be answered in the same round.
static void handles_start(struct bus_worker *bus)
{
    uv_prepare_init(bus->loop, &bus->before_sleep);
    uv_idle_init(bus->loop, &bus->awake);
    uv_timer_init(bus->loop, &bus->tick);
    uv_timer_init(bus->loop, &bus->look);
    bus->before_sleep.data = bus->awake.data = bus->tick.data = bus->look.data = bus;
    bus->handles_open = 4;
    uv_prepare_start(&bus->before_sleep, round_end);
    uv_timer_start(&bus->tick, ticked, BUS_HEARTBEAT_MS, BUS_HEARTBEAT_MS);
    uv_timer_start(&bus->look, look, 0, 0);
}

struct bus_worker *bus_worker_new(uv_loop_t *loop, struct zmq_bus_context *zmq,
                                  const struct bus_worker_options *options, struct err *err)
{
    struct bus_worker *bus = calloc(1, sizeof *bus);

    if (!bus)
        panic("out of memory");
    ASSERT(options->instance.len > 0 && options->instance.len <= BUS_NAME_LIMIT);
    *bus = (struct bus_worker){
        .loop = loop, .zmq = zmq, .options = *options, .ticked_ms = (int64_t)uv_now(loop)};
    bus->endpoints = endpoints_new(loop, options->endpoints, address_found, bus, err);
    if (!bus->endpoints) {
        free(bus);
        return NULL;
    }
    random_bytes(&bus->incarnation, sizeof bus->incarnation);
    bus->reader = bus_reader_new();
    list_init(&bus->links);
    list_init(&bus->dirty);
    list_init(&bus->orphans);
    list_init(&bus->spare);
    handles_start(bus);
    return bus;
}

static void handle_closed(uv_handle_t *handle)
{
    struct bus_worker *bus = handle->data;

    if (--bus->handles_open == 0)
        free(bus);
}

static void origins_free(struct list *origins)
{
    LIST_EACH (origins, struct bus_origin, link, origin)
        free(origin);
}

void bus_worker_free(struct bus_worker **bus)
{
    struct bus_worker *gone = *bus;

    if (!gone)
        return;
    *bus = NULL;
    LIST_EACH (&gone->links, struct bus_link, link, link) {
        replies_flush(link);
        bus_write_bare(&gone->frame, BUS_BYE);
        if (link->greeted)
            link_send(link);
        link_free(link);
    }
    origins_free(&gone->orphans);
    origins_free(&gone->spare);
    endpoints_free(&gone->endpoints);
    bus_reader_free(&gone->reader);
    bus_list_release(&gone->events);
    buf_release(&gone->frame);
    uv_close((uv_handle_t *)&gone->before_sleep, handle_closed);
    uv_close((uv_handle_t *)&gone->awake, handle_closed);
    uv_close((uv_handle_t *)&gone->tick, handle_closed);
    uv_close((uv_handle_t *)&gone->look, handle_closed);
}

void bus_worker_drain(struct bus_worker *bus)
{
    if (bus->draining)
        return;
    bus->draining = true;
    LIST_EACH (&bus->links, struct bus_link, link, link)
        if (link->welcomed)
            drain_send(link);
    round_wanted(bus);
}

size_t bus_worker_gateways(const struct bus_worker *bus)
{
    size_t count = 0;

    LIST_EACH (&bus->links, struct bus_link, link, link)
        count += link->welcomed;
    return count;
}

size_t bus_worker_unanswered(const struct bus_worker *bus)
{
    return bus->unanswered;
}
