// worker_links: coming to gateways, and leaving them.
#include "base/heap.h"
#include "base/revision.h"
#include "bus/worker/worker_state.h"
#include "telemetry/log.h"

#include <stdlib.h>

void bus_link_send(struct bus_link *link)
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
    worker_want_round(link->bus); // a drain may be complete now
}

void bus_link_greet(struct bus_link *link)
{
    struct bus_worker *bus = link->bus;
    const struct bus_hello hello = {.service = bus->options.service,
                                    .instance = bus->options.instance,
                                    .build = str_of(revision),
                                    .incarnation = bus->incarnation,
                                    .credit_messages = bus->options.credit_messages,
                                    .credit_bytes = bus->options.credit_bytes};

    link_forget(link);
    if (bus->draining)
        return;
    bus_write_hello(&bus->frame, &hello);
    // A send is refused while the connection is being made; link_writable() sends it later.
    link->greeted_ms = worker_now_ms(bus);
    link->greeted = zmq_socket_send(link->socket, STR_ABSENT, buf_str(&bus->frame));
}

// The connection was made just now, so the gateway's silence begins here and not when the socket
// was opened.
static void link_writable(void *context)
{
    struct bus_link *link = context;

    link->heard_ms = worker_now_ms(link->bus);
    bus_link_greet(link);
}

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
                                                    .received = bus_link_received,
                                                    .writable = link_writable,
                                                    .context = link});
    link->heard_ms = worker_now_ms(bus);
    if (zmq_socket_connect(link->socket, link->address, &err)) {
        bus_link_greet(link);
        return;
    }
    LOG_ERROR("bus.connect_failed", LOG_ERR(&err));
    zmq_socket_free(&link->socket);
}

void bus_link_drop(struct bus_link *link, const char *reason)
{
    struct bus_worker *bus = link->bus;

    if (link->welcomed) {
        LOG_WARN("bus.gateway_lost", LOG_STR("gateway", str_of(link->address)),
                 LOG_STR("reason", str_of(reason)), LOG_INT("unanswered", link->unanswered));
        metric_add(metrics_series(bus->options.metrics, METRIC_BUS_PEERS_DROPPED, reason), 1);
    }
    link_forget(link);
    zmq_socket_free(&link->socket);
}

// Connects at once, without waiting for the next tick: often the gateway was restarted and already
// has requests that wait for a worker.
void bus_link_renew(struct bus_link *link)
{
    bus_link_drop(link, "full");
    if (!link->bus->draining)
        link_connect(link);
}

void bus_link_free(struct bus_link *link)
{
    link_forget(link);
    zmq_socket_free(&link->socket);
    list_remove(&link->link);
    bus_list_release(&link->replies);
    link->bus->link_count--;
    free(link);
}

void bus_link_found(void *context, const char *address)
{
    struct bus_worker *bus = context;

    LIST_EACH (&bus->links, struct bus_link, link, link) {
        if (str_equal(str_of(link->address), str_of(address))) {
            link->seen_ms = worker_now_ms(bus);
            return;
        }
    }
    if (bus->draining || bus->link_count == LINKS_LIMIT)
        return;
    struct bus_link *link = heap_new(sizeof *link);
    *link = (struct bus_link){.bus = bus, .seen_ms = worker_now_ms(bus)};
    memcpy(link->address, address, strlen(address) + 1);
    list_init(&link->dirty);
    list_init(&link->origins);
    list_append(&bus->links, &link->link);
    bus->link_count++;
    link_connect(link);
}

void bus_link_heartbeat(struct bus_link *link)
{
    struct bus_worker *bus = link->bus;
    struct bus_heartbeat health = {.load = (uint32_t)bus->unanswered};

    bus->options.health(bus->options.context, &health);
    bus_write_heartbeat(&bus->frame, &health);
    bus_link_send(link);
}

void bus_link_say_drain(struct bus_link *link)
{
    bus_write_bare(&link->bus->frame, BUS_DRAIN);
    bus_link_send(link);
}

void bus_link_tick(struct bus_link *link)
{
    struct bus_worker *bus = link->bus;
    bool silent = worker_now_ms(bus) - link->heard_ms > BUS_SILENCE_MS;

    if (silent && worker_now_ms(bus) - link->seen_ms > UNSEEN_MS) {
        bus_link_free(link); // its address is not there any more
        return;
    }
    if (silent && link->socket)
        bus_link_drop(link, "silent");
    if (!link->socket && !bus->draining)
        link_connect(link);
    else if (link->welcomed)
        bus_link_heartbeat(link);
    else if (link->greeted && worker_now_ms(bus) - link->greeted_ms >= BUS_HEARTBEAT_MS)
        bus_link_greet(link); // it was sent on a connection that broke
}
