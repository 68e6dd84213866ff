// zmq_refusals: tells of each connection to a socket that came to nothing, for zmq_socket.c alone.
// Refused: it spoke another mechanism than CURVE, had another server's key, or was not on the list.
// Unfinished: it went before that was known. So does a probe that only asks whether somebody listens,
// and sometimes a stranger without keys, who sees that he is not wanted as soon as we do.
#pragma once

#include "io/zmq_socket.h"

#include <uv.h>

struct zmq_refusals;

// socket: libzmq's, before it is bound.
struct zmq_refusals *zmq_refusals_new(uv_loop_t *loop, void *zmq_context, void *socket,
                                      zmq_refused_fn *refused, void *context);
void zmq_refusals_free(struct zmq_refusals **refusals); // before its socket
