// zmq_refusals: libzmq tells its events over a pair of sockets inside the process. Its I/O thread
// would wait where they find no room, so there is no limit here: strangers are as many as their
// handshakes, which the loop counts as they come.
#include "io/zmq_refusals.h"

#include "base/panic.h"
#include "io/zmq_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    TOLD = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
           ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
};

struct zmq_refusals {
    struct zmq_watch watch;
    void *of; // the socket
    zmq_refused_fn *refused;
    void *context;
};

// An event is two parts: what, and the address.
static bool event_receive(void *context)
{
    struct zmq_refusals *refusals = context;
    uint16_t event = 0; // then four bytes that nobody needs
    char bytes[8];
    int more = 1;
    size_t size = sizeof more;

    for (bool is_first = true; more; is_first = false) {
        if (zmq_recv(refusals->watch.socket, bytes, sizeof bytes, ZMQ_DONTWAIT) < 0)
            return false;
        if (is_first)
            memcpy(&event, bytes, sizeof event);
        if (zmq_getsockopt(refusals->watch.socket, ZMQ_RCVMORE, &more, &size) != 0)
            return false;
    }
    refusals->refused(refusals->context, event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    return true;
}

static void refusals_gone(void *context)
{
    free(context);
}

struct zmq_refusals *zmq_refusals_new(uv_loop_t *loop, void *zmq_context, void *socket,
                                      zmq_refused_fn *refused, void *context)
{
    struct zmq_refusals *refusals = calloc(1, sizeof *refusals);
    char place[64];
    const int no_limit = 0;

    if (!refusals)
        panic("out of memory");
    snprintf(place, sizeof place, "inproc://refusals.%p", socket);
    *refusals = (struct zmq_refusals){.of = socket, .refused = refused, .context = context};
    refusals->watch = (struct zmq_watch){.socket = zmq_socket(zmq_context, ZMQ_PAIR),
                                         .receive = event_receive,
                                         .gone = refusals_gone,
                                         .context = refusals};
    if (!refusals->watch.socket || zmq_socket_monitor(socket, place, TOLD) != 0 ||
        zmq_setsockopt(refusals->watch.socket, ZMQ_RCVHWM, &no_limit, sizeof no_limit) != 0 ||
        zmq_connect(refusals->watch.socket, place) != 0)
        panic("%s: %s", place, zmq_strerror(zmq_errno()));
    zmq_watch_start(&refusals->watch, loop);
    return refusals;
}

void zmq_refusals_free(struct zmq_refusals **refusals)
{
    if (!*refusals)
        return;
    // First nothing more is told: libzmq would wait for somebody who listens.
    (void)!zmq_socket_monitor((*refusals)->of, NULL, 0);
    zmq_watch_close(&(*refusals)->watch);
    *refusals = NULL;
}
