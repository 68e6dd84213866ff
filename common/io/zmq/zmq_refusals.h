// zmq_refusals: reports each failed connection to a socket, for zmq_socket.c alone. Refused: it
// used another mechanism than CURVE, had a wrong server key, or was not on the list. Unfinished: it
// was closed before that was known. A probe that only checks whether the port is open does so, and
// sometimes a peer without keys, which sees its refusal as early as we do.
#pragma once

#include "io/zmq/zmq_czmq.h"
#include "io/zmq/zmq_socket.h"

#include <uv.h>

struct zmq_refusals;

// socket: before it is bound.
struct zmq_refusals *zmq_refusals_new(uv_loop_t *loop, zsock_t *socket, zmq_refused_fn *refused,
                                      void *context);
void zmq_refusals_free(struct zmq_refusals **refusals); // before its socket
