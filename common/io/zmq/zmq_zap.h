// zmq_zap: who may connect with CURVE (RFC 27/ZAP), for zmq_socket.c alone. libzmq asks at every
// handshake; the answer is yes if the client's public key is on the list.
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "io/zmq/zmq_czmq.h"

struct zmq_zap;

// What the sockets of a process share. It is declared here so that a test can remove zap.
struct zmq_bus_context {
    struct zmq_zap *zap; // made by the first bind with CURVE
    unsigned sockets_open;
};

// The property of each message, for zframe_meta(), that holds the services of its sender's key.
#define ZMQ_ZAP_SERVICES "services"

// allowed: see struct zmq_curve; at most 256 keys. One at a time.
struct zmq_zap *zmq_zap_new(struct str allowed, struct err *err);
void zmq_zap_free(struct zmq_zap **zap);
// Does this property name the service?
bool zmq_zap_may_be(struct str services, struct str service);
