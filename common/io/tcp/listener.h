// listener: a listening TCP socket on a libuv loop that can stop accepting.
//
// While it is paused the kernel keeps new connections in its backlog. It pauses by itself when
// descriptors or memory for a connection run out, and tries again after 100 ms or when its owner
// calls listener_resume() because a connection has gone. So it does not spin on a connection that
// cannot be accepted, and drops none from the backlog.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct listener;

struct listener_options {
    const char *host; // an address in digits: "0.0.0.0", "127.0.0.1", "::" (IPv4 as well)
    int port;         // 0: the kernel chooses
    // A connection was accepted; descriptor is non-blocking and now the owner's.
    void (*accepted)(void *context, int descriptor);
    // Descriptors or memory ran out; the owner may give something up. May be NULL.
    void (*shortage)(void *context);
    void *context;
};

struct listener *listener_new(uv_loop_t *loop, const struct listener_options *options,
                              struct err *err); // NULL on error
// Closes the socket at once; the memory goes when the loop has closed the handles.
void listener_close(struct listener **listener);

// No new connection can begin: the kernel drops the attempt without an answer, so that the client
// tries again. Handshakes in progress are still completed.
void listener_deafen(struct listener *listener);
// Accepts all connections in the backlog, as far as there are descriptors for them.
void listener_accept_rest(struct listener *listener);

void listener_pause(struct listener *listener);
void listener_resume(struct listener *listener);
int listener_port(const struct listener *listener);
uint64_t listener_pauses(const struct listener *listener); // times accepting stopped
