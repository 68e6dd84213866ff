// zmq_watch: wakes the loop for a ZeroMQ socket; shared by the io/zmq_*.c files and nobody else.
//
// ZMQ_FD is edge-triggered and any send, receive or look at ZMQ_EVENTS may swallow the edge. So:
// a uv_poll on it only wakes the loop; a uv_prepare asks for ZMQ_EVENTS before the loop sleeps and
// receives, at most 256 messages a round; a uv_idle keeps the loop from sleeping while more wait.
#pragma once

#include <stdbool.h>
#include <uv.h>

struct zmq_watch {
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_idle_t idle;
    void *socket; // libzmq's
    bool closed, blocked;
    unsigned handles_open;
    // Receives one message without waiting; false when there was none.
    bool (*receive)(void *context);
    void (*writable)(void *context); // after a refused send; may be NULL
    void (*gone)(void *context);     // all handles are closed: the owner may free itself
    void *context;
};

// Fill socket, the callbacks and context first.
void zmq_watch_start(struct zmq_watch *watch, uv_loop_t *loop);
// Call after each send: what a send swallowed keeps the loop awake.
void zmq_watch_sent(struct zmq_watch *watch, bool accepted);
// Closes the handles and the socket; may be called inside receive.
void zmq_watch_close(struct zmq_watch *watch);
