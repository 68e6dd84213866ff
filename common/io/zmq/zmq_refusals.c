// zmq_refusals: libzmq reports its events over a pair of sockets inside the process. Its I/O thread
// would block if these were full, so they have no limit; their number is that of the handshakes,
// and the loop counts each one at once.
#include "io/zmq/zmq_refusals.h"

#include "base/heap.h"
#include "base/panic.h"
#include "io/zmq/zmq_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOLD = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
           ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
};

struct zmq_refusals {
    struct zmq_watch watch;
    zsock_t *of;
    zmq_refused_fn *refused;
    void *context;
};

// An event is two parts: its number with a value, and the address.
static bool event_receive(void *context)
{
    struct zmq_refusals *refusals = context;
    zmsg_t *message = zmsg_recv(refusals->watch.socket); // does not wait: see below
    zframe_t *first = message ? zmsg_first(message) : NULL;
    uint16_t event = 0;

    if (!first)
        return false;
    ASSERT(zframe_size(first) >= sizeof event);
    memcpy(&event, zframe_data(first), sizeof event);
    zmsg_destroy(&message);
    refusals->refused(refusals->context, event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    return true;
}

static void refusals_gone(void *context)
{
    free(context);
}

struct zmq_refusals *zmq_refusals_new(uv_loop_t *loop, zsock_t *socket, zmq_refused_fn *refused,
                                      void *context)
{
    struct zmq_refusals *refusals = heap_new(sizeof *refusals);
    zsock_t *listener = zsock_new(ZMQ_PAIR);
    char place[64];

    if (!listener)
        panic("zsock_new: %s", zmq_strerror(zmq_errno()));
    snprintf(place, sizeof place, "inproc://refusals.%p", zsock_resolve(socket));
    *refusals = (struct zmq_refusals){.of = socket, .refused = refused, .context = context};
    zsock_set_rcvhwm(listener, 0);
    zsock_set_rcvtimeo(listener, 0);
    if (zmq_socket_monitor(zsock_resolve(socket), place, TOLD) != 0 ||
        zsock_connect(listener, "%s", place) != 0)
        panic("%s: %s", place, zmq_strerror(zmq_errno()));
    refusals->watch = (struct zmq_watch){
        .socket = listener, .receive = event_receive, .gone = refusals_gone, .context = refusals};
    zmq_watch_start(&refusals->watch, loop);
    return refusals;
}

void zmq_refusals_free(struct zmq_refusals **refusals)
{
    if (!*refusals)
        return;
    // First the events are switched off: libzmq would block without a reader.
    (void)!zmq_socket_monitor(zsock_resolve((*refusals)->of), NULL, 0);
    zmq_watch_close(&(*refusals)->watch);
    *refusals = NULL;
}
