// zmq_zap: who may connect with CURVE (RFC 27/ZAP), for zmq_socket.c alone. libzmq asks over
// inproc://zeromq.zap.01 for every handshake; the answer is yes when the client's public key is on
// the list. The services that the key may be go into the metadata of each message as its User-Id.
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <uv.h>

struct zmq_zap;

// allowed: see struct zmq_curve; at most 256 keys.
struct zmq_zap *zmq_zap_new(uv_loop_t *loop, void *zmq_context, struct str allowed,
                            struct err *err);
void zmq_zap_free(struct zmq_zap **zap);
// Does this User-Id name the service?
bool zmq_zap_user_is(struct str user, struct str service);
