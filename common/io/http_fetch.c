// http_fetch: see the header.
#include "io/http_fetch.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/panic.h"
#include "io/link.h"

#include <stdlib.h>

struct http_fetch {
    struct http_fetch_options options;
    struct arena *arena;
    struct link_address address;
    struct str path;
    struct link *link;
    uv_timer_t timeout;
    struct buf answer;
};

// Into host, port and path.
static bool url_read(struct http_fetch *fetch, struct str url, struct err *err)
{
    static const struct str scheme = STR_INIT("http://");
    struct str place, path, host, port = STR("80");
    struct str rest = str_make(url.ptr + scheme.len, url.len - scheme.len);

    if (!str_starts(url, scheme) || rest.len == 0)
        return err_set(err, ERR_BAD_INPUT, "not an address of the form http://host:port/path");
    if (!str_cut(rest, '/', &place, &path))
        path = STR("");
    if (!str_cut(place, ':', &host, &port))
        port = STR("80");
    if (host.len == 0 || port.len == 0)
        return err_set(err, ERR_BAD_INPUT, "not an address of the form http://host:port/path");
    fetch->address = (struct link_address){.host = arena_c_string(fetch->arena, host),
                                           .port = arena_c_string(fetch->arena, port)};
    fetch->path = arena_printf(fetch->arena, "/%.*s", STR_ARG(path));
    return true;
}

static void said(struct http_fetch *fetch, struct str body, const char *fault)
{
    struct err err;

    uv_timer_stop(&fetch->timeout);
    link_close(&fetch->link);
    if (fault)
        err_set(&err, ERR_UNAVAILABLE, "%s", fault);
    fetch->options.done(fetch->options.context, body, fault ? &err : NULL);
}

static void on_connected(void *context)
{
    struct http_fetch *fetch = context;
    AUTO(buf) request = {0};

    buf_printf(&request, "GET %.*s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n",
               STR_ARG(fetch->path), fetch->address.host, fetch->address.port);
    link_send(fetch->link, buf_str(&request));
}

static void on_received(void *context, struct str bytes)
{
    struct http_fetch *fetch = context;

    buf_str_append(&fetch->answer, bytes);
    if (fetch->answer.len > fetch->options.limit)
        said(fetch, STR_ABSENT, "the answer is too long");
}

// The other side closes at the end of its answer.
static void on_lost(void *context)
{
    static const struct str good = STR_INIT("HTTP/1.1 200 ");
    struct http_fetch *fetch = context;
    struct str answer = buf_str(&fetch->answer);
    const char *body = answer.len ? memmem(answer.ptr, answer.len, "\r\n\r\n", 4) : NULL;

    if (answer.len == 0)
        said(fetch, STR_ABSENT, "nobody answers there");
    else if (!body)
        said(fetch, STR_ABSENT, "the answer is cut off");
    else if (!str_starts(answer, good))
        said(fetch, STR_ABSENT, "the answer is not 200");
    else
        said(fetch, str_make(body + 4, answer.len - (size_t)(body + 4 - answer.ptr)), NULL);
}

static void on_timeout(uv_timer_t *timer)
{
    said(CONTAINER_OF(timer, struct http_fetch, timeout), STR_ABSENT, "no answer in time");
}

struct http_fetch *http_fetch_new(uv_loop_t *loop, const struct http_fetch_options *options,
                                  struct err *err)
{
    struct http_fetch *fetch = calloc(1, sizeof *fetch);

    if (!fetch)
        panic("out of memory");
    fetch->options = *options;
    fetch->arena = arena_new();
    if (!url_read(fetch, options->url, err)) {
        arena_free(&fetch->arena);
        free(fetch);
        return NULL;
    }
    uv_timer_init(loop, &fetch->timeout);
    uv_timer_start(&fetch->timeout, on_timeout, (uint64_t)options->timeout_ms, 0);
    fetch->link = link_new(
        loop, &fetch->address,
        &(struct link_events){
            .connected = on_connected, .received = on_received, .lost = on_lost, .context = fetch});
    return fetch;
}

static void on_closed(uv_handle_t *handle)
{
    struct http_fetch *fetch = CONTAINER_OF((uv_timer_t *)handle, struct http_fetch, timeout);

    arena_free(&fetch->arena);
    buf_release(&fetch->answer);
    free(fetch);
}

void http_fetch_close(struct http_fetch **closing)
{
    struct http_fetch *fetch = *closing;

    if (!fetch)
        return;
    *closing = NULL;
    link_close(&fetch->link);
    uv_close((uv_handle_t *)&fetch->timeout, on_closed);
}
