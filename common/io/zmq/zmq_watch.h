// zmq_watch: wakes the loop for a ZeroMQ socket; shared by the files of this room and nobody else.
//
// ZMQ_FD is edge-triggered and any send, receive or look at ZMQ_EVENTS may swallow the edge. So:
// a uv_poll on it only wakes the loop; a uv_prepare asks for ZMQ_EVENTS before the loop sleeps; a
// uv_idle keeps it from sleeping while something waits; a uv_check receives after the loop has
// polled, at most 256 messages a round.
//
// Messages are received after the poll and not before it, because of answers on TCP connections:
// libuv reports a write at the beginning of the next round, and h2o continues to read only after
// that. A poll in between would find the client's next request on a connection that is not being
// read, remove it from epoll, add it again, and poll once more.
#pragma once

#include "io/zmq/zmq_czmq.h"

#include <stdbool.h>
#include <uv.h>

struct zmq_watch {
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_check_t check;
    zsock_t *socket; // made by the owner, destroyed by zmq_watch_close()
    void *handle;    // libzmq's, of the same socket
    bool closed, blocked;
    bool due; // something may wait: the poll fired, or the look before the sleep saw it
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
