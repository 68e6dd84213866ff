// bus_worker: the life of a worker's end of the bus: what happens at its start and end, at the end
// of each round of the loop, and once a second; and what it tells all gateways.
#include "bus/worker/bus_worker.h"

#include "base/heap.h"
#include "base/panic.h"
#include "base/random.h"
#include "bus/worker/worker_state.h"

#include <stdlib.h>

enum { LOOK_EAGERLY_MS = 250 }; // while no gateway is there

static void stay_awake(uv_idle_t *idle)
{
    (void)idle;
}

void worker_want_round(struct bus_worker *bus)
{
    uv_idle_start(&bus->awake, stay_awake);
}

// ---- what a worker tells all gateways

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
            bus_link_send(link);
}

void bus_worker_event(struct bus_worker *bus, struct str topic, struct str payload)
{
    ASSERT(topic.len <= BUS_NAME_LIMIT);
    if (payload.len > BUS_ITEM_LIMIT || (payload.len == 0 && hint_repeats(bus, topic)))
        return;
    if (!bus_list_has_room(&bus->events, topic.len + payload.len))
        events_flush(bus);
    bus_list_event(&bus->events, topic, payload);
    worker_want_round(bus);
}

void bus_worker_doorbell(struct bus_worker *bus, uint32_t destination)
{
    bus_bells_add(&bus->bells, destination);
    worker_want_round(bus);
}

static void bells_flush(struct bus_worker *bus)
{
    if (bus->bells.count == 0)
        return;
    bus_write_bells(&bus->frame, &bus->bells);
    bus->bells.count = 0;
    LIST_EACH (&bus->links, struct bus_link, link, link)
        if (link->welcomed)
            bus_link_send(link);
}

// ---- rounds and ticks

static void drained_check(struct bus_worker *bus)
{
    if (!bus->draining || bus->drained_sent || bus->unanswered > 0)
        return;
    LIST_EACH (&bus->links, struct bus_link, link, link)
        if (link->welcomed && !link->drain_noted)
            return;
    bus->drained_sent = true;
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
        bus_link_flush(link);
    }
    events_flush(bus);
    bells_flush(bus);
    LIST_EACH (&bus->links, struct bus_link, link, link)
        if (link->broken)
            bus_link_renew(link);
    drained_check(bus);
}

static void ticked(uv_timer_t *timer)
{
    struct bus_worker *bus = timer->data;
    // A worker that was itself stopped received nothing, so it cannot tell which gateways were
    // silent.
    bool frozen = worker_now_ms(bus) - bus->ticked_ms > BUS_SILENCE_MS / 2;

    bus->ticked_ms = worker_now_ms(bus);
    LIST_EACH (&bus->links, struct bus_link, link, link) {
        if (frozen)
            link->heard_ms = worker_now_ms(bus);
        bus_link_tick(link);
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
}

struct bus_worker *bus_worker_new(uv_loop_t *loop, struct zmq_bus_context *zmq,
                                  const struct bus_worker_options *options, struct err *err)
{
    struct bus_worker *bus = heap_new(sizeof *bus);
    ASSERT(options->instance.len > 0 && options->instance.len <= BUS_NAME_LIMIT);
    *bus = (struct bus_worker){
        .loop = loop, .zmq = zmq, .options = *options, .ticked_ms = (int64_t)uv_now(loop)};
    bus->endpoints = endpoints_new(loop, options->endpoints, bus_link_found, bus, err);
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
        bus_link_flush(link);
        bus_write_bare(&gone->frame, BUS_BYE);
        if (link->greeted)
            bus_link_send(link);
        bus_link_free(link);
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

void bus_worker_open(struct bus_worker *bus)
{
    if (bus->opened || bus->draining)
        return;
    bus->opened = true;
    look(&bus->look);
}

void bus_worker_send_health(struct bus_worker *bus)
{
    LIST_EACH (&bus->links, struct bus_link, link, link)
        if (link->welcomed)
            bus_link_heartbeat(link);
    worker_want_round(bus);
}

void bus_worker_drain(struct bus_worker *bus)
{
    if (bus->draining)
        return;
    bus->draining = true;
    LIST_EACH (&bus->links, struct bus_link, link, link)
        if (link->welcomed)
            bus_link_say_drain(link);
    worker_want_round(bus);
}

size_t bus_worker_gateways(const struct bus_worker *bus)
{
    size_t count = 0;

    LIST_EACH (&bus->links, struct bus_link, link, link)
        count += link->welcomed;
    return count;
}
