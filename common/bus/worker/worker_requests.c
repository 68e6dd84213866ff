// worker_requests: frames from gateways. A request becomes an origin, and an origin becomes a
// reply.
#include "base/heap.h"
#include "bus/worker/worker_state.h"
#include "telemetry/log.h"

// ---- replies leave

void bus_link_flush(struct bus_link *link)
{
    if (link->replies.count == 0)
        return;
    bus_list_frame(&link->replies, BUS_REPLY, &link->bus->frame);
    bus_list_clear(&link->replies);
    bus_link_send(link);
}

static void reply_add(struct bus_link *link, uint64_t request, enum err_code code,
                      struct str payload)
{
    if (payload.len > BUS_ITEM_LIMIT) {
        code = ERR_INTERNAL;
        payload = STR("the answer is larger than a frame");
    }
    if (!bus_list_has_room(&link->replies, payload.len))
        bus_link_flush(link);
    bus_list_reply(&link->replies, request, code, payload);
    if (!list_is_linked(&link->dirty))
        list_append(&link->bus->dirty, &link->dirty);
    worker_want_round(link->bus);
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
    worker_want_round(bus); // a drain may be complete now
}

// ---- frames come

static struct bus_origin *origin_take(struct bus_link *link, uint64_t request)
{
    struct bus_worker *bus = link->bus;
    struct bus_origin *origin;

    if (list_is_empty(&bus->spare)) {
        origin = heap_new(sizeof *origin);
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
    // The gateway exceeds the credit we gave, which limits how many requests are in work.
    if (link->unanswered >= bus->options.credit_messages)
        reply_add(link, envelope.request, ERR_BUSY, STR("more requests than credit"));
    else
        bus->options.request(bus->options.context, origin_take(link, envelope.request), &envelope,
                             request->payload);
    return true;
}

static void link_welcomed(struct bus_link *link, const struct bus_welcome *welcome)
{
    LOG_INFO("bus.gateway_came", LOG_STR("gateway", welcome->instance),
             LOG_STR("build", welcome->build));
    link->welcomed = true;
    bus_link_heartbeat(link);
    if (link->bus->draining)
        bus_link_say_drain(link);
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
        worker_want_round(bus);
        return true;
    case BUS_DOORBELL:
        for (size_t i = 0; i < frame->count && bus->options.doorbell; i++)
            bus->options.doorbell(bus->options.context, frame->items[i].destination);
        return true;
    case BUS_HELLO:
        // It asks once for each frame that it received before it knew this worker; one answer is
        // enough.
        if (frame->bare && (link->welcomed || !link->greeted))
            bus_link_greet(link);
        return frame->bare;
    case BUS_REPLY:
    case BUS_EVENT:
    case BUS_BYE: return false;
    }
    return false;
}

void bus_link_received(void *context, struct str peer, struct str body)
{
    struct bus_link *link = context;
    struct bus_frame frame;
    struct err err;

    (void)peer;
    link->heard_ms = worker_now_ms(link->bus);
    if (!bus_read(link->bus->reader, body, &frame, &err) || !frame_take(link, &frame))
        bus_link_drop(link, "malformed");
}
