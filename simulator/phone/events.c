// events: a list of watchers, each with the number it is interested in.
#include "simulator/phone/events.h"

#include "base/heap.h"
#include "base/list.h"
#include "base/panic.h"
#include "simulator/simulator.h"

#include <stdlib.h>

enum { WATCHERS_LIMIT = 64, HEARTBEAT_MS = 15000, NUMBER_LIMIT = 32 };

struct watcher {
    struct list link;
    struct page_events *events;
    struct http_stream *stream;
    char number[NUMBER_LIMIT]; // empty: every message
};

struct page_events {
    struct simulator *simulator;
    uv_timer_t heartbeat;
    struct list watchers;
    size_t count;
};

static void watcher_free(struct watcher *watcher)
{
    list_remove(&watcher->link);
    watcher->events->count--;
    free(watcher);
}

static void on_watcher_gone(void *context)
{
    watcher_free(context);
}

static void say(struct watcher *watcher, struct str text)
{
    if (http_stream_write(watcher->stream, text))
        return;
    http_stream_end(watcher->stream); // too slow; it reconnects and reads /sim/messages first
    watcher_free(watcher);
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct page_events *events = CONTAINER_OF(timer, struct page_events, heartbeat);

    LIST_EACH (&events->watchers, struct watcher, link, watcher)
        say(watcher, STR(":\n\n"));
}

struct page_events *page_events_new(struct simulator *simulator)
{
    struct page_events *events = heap_new(sizeof *events);
    events->simulator = simulator;
    list_init(&events->watchers);
    ASSERT(uv_timer_init(simulator->loop, &events->heartbeat) == 0);
    uv_timer_start(&events->heartbeat, on_heartbeat, HEARTBEAT_MS, HEARTBEAT_MS);
    return events;
}

static void on_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct page_events, heartbeat));
}

void page_events_free(struct page_events **events)
{
    struct page_events *ending = *events;

    *events = NULL;
    if (!ending)
        return;
    LIST_EACH (&ending->watchers, struct watcher, link, watcher) {
        http_stream_end(watcher->stream);
        watcher_free(watcher);
    }
    uv_close((uv_handle_t *)&ending->heartbeat, on_closed);
}

void page_events_publish(struct page_events *events, const struct remembered *message)
{
    AUTO(buf) json = {0};
    AUTO(buf) event = {0};

    if (list_is_empty(&events->watchers))
        return;
    remembered_write(message, &json);
    buf_printf(&event, "id: %llu\nevent: message\ndata: %.*s\n\n",
               (unsigned long long)message->sequence, STR_ARG(buf_str(&json)));
    LIST_EACH (&events->watchers, struct watcher, link, watcher)
        if (remembered_concerns(message, str_of(watcher->number)))
            say(watcher, buf_str(&event));
}

// GET /sim/events?number=15551234567
void on_events(struct simulator *simulator, struct http_request *request, struct str rest)
{
    struct page_events *events = simulator->events;
    struct str number = simulator_query(request, STR("number"));
    struct err err;

    (void)rest;
    if (number.len >= NUMBER_LIMIT || events->count >= WATCHERS_LIMIT) {
        err_set(&err, events->count >= WATCHERS_LIMIT ? ERR_BUSY : ERR_BAD_INPUT,
                events->count >= WATCHERS_LIMIT ? "too many watchers" : "number is too long");
        simulator_answer_error(request, &err);
        return;
    }
    struct watcher *watcher = heap_new(sizeof *watcher);
    watcher->events = events;
    if (number.len > 0)
        memcpy(watcher->number, number.ptr, number.len);
    list_append(&events->watchers, &watcher->link);
    events->count++;
    watcher->stream =
        http_stream_start(request, STR("text/event-stream"), on_watcher_gone, watcher);
}
