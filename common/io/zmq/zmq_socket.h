// zmq_socket: one ZeroMQ socket on a libuv loop; only the files of this room know libzmq.
//
// ZMQ_FD is edge-triggered; io/zmq/zmq_watch.h says how a socket used both ways is kept from
// stalling for good, and tests/unit/io/zmq/test_zmq_socket.c keeps it so.
//
// Every socket has LINGER 500 ms (a worker's last replies and its BYE still leave), MAXMSGSIZE 2
// MiB, ZMTP heartbeats 1 s / 3 s, TTL 5 s, HANDSHAKE_IVL 3 s, IMMEDIATE 1, RECONNECT_IVL 100 ms to
// 500 ms, IPv6 on, a ROUTER also ROUTER_MANDATORY. CURVE, where configured, guards every address,
// ipc:// as well as tcp://. Without it a tcp:// bind to an address that is not loopback is refused,
// and so is, by our programs, an ipc:// bind in a directory that others may enter
// (zmq_ipc_is_private). An ipc:// bind would replace the socket file of a process that listens
// there: ask zmq_ipc_is_taken() first.
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <uv.h>

struct zmq_bus_context; // one a process: the I/O thread
struct zmq_bus_context *zmq_bus_context_new(void);
// Call it after all its sockets are closed; it waits up to 500 ms for what they still have to send.
void zmq_bus_context_free(struct zmq_bus_context **context);

enum zmq_socket_kind { ZMQ_SOCKET_ROUTER, ZMQ_SOCKET_DEALER, ZMQ_SOCKET_PUSH, ZMQ_SOCKET_PULL };

struct zmq_socket;

// CURVE keys in Z85, 40 characters. All empty: no CURVE. One allow-list a process: that of the
// first bind.
struct zmq_curve {
    struct str public_key, secret_key;
    struct str server_key; // of the other side, for connecting sockets
    // For binding sockets: who may connect as which service, a line "key service,service" for each;
    // others are refused (ZAP). A key without services may be any. Spaces, commas, semicolons and
    // line ends all separate words, so "key,key" is a valid list, too.
    struct str allowed_clients;
};

// unfinished: the peer closed before it was known whether it has a valid key.
typedef void zmq_refused_fn(void *context, bool unfinished);

struct zmq_socket_options {
    enum zmq_socket_kind kind;
    struct str routing_id;         // DEALER: unique for each incarnation
    int high_water_mark;           // messages, both ways; set just above the credit
    const struct zmq_curve *curve; // may be NULL
    // One frame arrived: peer is the routing id (ROUTER only), body the last part. Valid inside the
    // callback.
    void (*received)(void *context, struct str peer, struct str body);
    // A DEALER that refused a send would take one now: the other side has come (back). May be NULL.
    void (*writable)(void *context);
    // With CURVE, on a binding socket: a connection was refused. May be NULL.
    zmq_refused_fn *refused;
    void *context;
};

struct zmq_socket *zmq_socket_new(uv_loop_t *loop, struct zmq_bus_context *bus,
                                  const struct zmq_socket_options *options);
void zmq_socket_free(struct zmq_socket **socket); // also inside received and writable
// Does a living process listen at this ipc:// endpoint? Binding there would replace its file, and
// no peer could reach that process any more.
bool zmq_ipc_is_taken(const char *endpoint);
// False, and why, where others than our own user may enter the directory of this ipc:// endpoint:
// so a socket without CURVE is open to them. Other endpoints pass.
MUST_USE bool zmq_ipc_is_private(const char *endpoint, struct err *err);
MUST_USE bool zmq_socket_bind(struct zmq_socket *socket, const char *endpoint, struct err *err);
// Binds it again where its socket file has gone, or somebody put another in its place; true when it
// did. Connections that are there stay. For ipc:// only; cheap: one stat().
bool zmq_socket_bind_again(struct zmq_socket *socket, const char *endpoint);
MUST_USE bool zmq_socket_connect(struct zmq_socket *socket, const char *endpoint, struct err *err);
// Never blocks. False: no such peer, or its queue is full; nothing was sent. peer counts for a
// ROUTER only.
MUST_USE bool zmq_socket_send(struct zmq_socket *socket, struct str peer, struct str body);
// Call it inside received: does the list of keys allow the sender of this frame this name? True on
// a socket without CURVE, which knows no keys.
bool zmq_socket_sender_is(const struct zmq_socket *socket, struct str service);
