// link: see the header.
#include "io/tcp/link.h"

#include "base/attributes.h"
#include "base/heap.h"

#include <stdlib.h>

struct link {
    struct link_events events;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    uv_connect_t connect;
    uv_getaddrinfo_t resolve;
    uv_idle_t failed; // reports a failure from the loop, and not inside the call that failed
    bool is_resolving, is_given_up;
    int open_handles;
    char bytes[4096]; // of one read
};

struct link_piece {
    uv_write_t write;
    char bytes[];
};

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *addresses);
static void on_connected(uv_connect_t *connect, int status);
static void on_failed(uv_idle_t *failed);

static void lost(struct link *link)
{
    if (!link->is_given_up)
        link->events.lost(link->events.context);
}

struct link *link_new(uv_loop_t *loop, const struct link_address *address,
                      const struct link_events *events)
{
    struct link *link = heap_new(sizeof *link);

    link->events = *events;
    link->open_handles = 2;
    uv_idle_init(loop, &link->failed);
    if (address->path) {
        uv_pipe_init(loop, &link->pipe, 0);
        uv_pipe_connect(&link->connect, &link->pipe, address->path, on_connected);
        return link;
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    uv_tcp_init(loop, &link->tcp);
    link->is_resolving = uv_getaddrinfo(loop, &link->resolve, on_resolved, address->host,
                                        address->port, &hints) == 0;
    if (!link->is_resolving)
        uv_idle_start(&link->failed, on_failed);
    return link;
}

static void on_failed(uv_idle_t *failed)
{
    uv_idle_stop(failed);
    lost(CONTAINER_OF(failed, struct link, failed));
}

static void free_if_over(struct link *link)
{
    if (link->open_handles == 0 && !link->is_resolving)
        free(link);
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *addresses)
{
    struct link *link = CONTAINER_OF(resolve, struct link, resolve);

    link->is_resolving = false;
    if (link->is_given_up)
        free_if_over(link);
    else if (status < 0 ||
             uv_tcp_connect(&link->connect, &link->tcp, addresses->ai_addr, on_connected) < 0)
        lost(link);
    uv_freeaddrinfo(addresses);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *bytes)
{
    struct link *link = CONTAINER_OF(handle, struct link, handle);

    (void)suggested;
    *bytes = uv_buf_init(link->bytes, sizeof link->bytes);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct link *link = CONTAINER_OF(stream, struct link, stream);

    if (count < 0)
        lost(link);
    else if (count > 0)
        link->events.received(link->events.context, str_make(bytes->base, (size_t)count));
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct link *link = CONTAINER_OF(connect, struct link, connect);

    if (link->is_given_up)
        return;
    if (status < 0 || uv_read_start(&link->stream, on_allocate, on_read) < 0)
        lost(link);
    else
        link->events.connected(link->events.context);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status; // a connection that cannot be written cannot be read either: on_read() reports it
    free(CONTAINER_OF(write, struct link_piece, write));
}

void link_send(struct link *link, struct str bytes)
{
    struct link_piece *piece = heap_raw(sizeof *piece + bytes.len);

    memcpy(piece->bytes, bytes.ptr, bytes.len);
    uv_buf_t one = uv_buf_init(piece->bytes, (unsigned)bytes.len);
    if (uv_write(&piece->write, &link->stream, &one, 1, on_written) < 0) {
        free(piece);
        uv_idle_start(&link->failed, on_failed);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;

    link->open_handles--;
    free_if_over(link);
}

void link_close(struct link **link)
{
    struct link *closing = *link;

    if (!closing)
        return;
    *link = NULL;
    closing->is_given_up = true;
    closing->handle.data = closing->failed.data = closing;
    uv_close(&closing->handle, on_closed);
    uv_close((uv_handle_t *)&closing->failed, on_closed);
}
