// events: one feed for each tenant; when feeds and streams read, and how a stream joins its feed.
// The rules of positions are in event_batch.h. A feed is freed by the tick, where nothing else
// holds on to it.
#include "gateway/events/events.h"

#include "gateway/answer.h"
#include "gateway/events/event_batch.h"
#include "gateway/events/event_stream.h"

#include "base/heap.h"
#include "base/list.h"
#include "base/panic.h"
#include "bus/gateway/bus_gateway.h"
#include "io/http_server/http_server.h"
#include "service/service.h"
#include "wire/msgpack/envelope.h"

#include <stdlib.h>

enum {
    TICK_MS = 1000,
    HEARTBEAT_TICKS = 15,
    READ_DEADLINE_MS = 2000,
    USERS_ASKED_A_TICK = 20, // of GWS, which others need, too
};

struct events {
    struct gateway *gateway;
    struct list feeds;
    struct list users; // streams whose reader is a user of GWS; the one checked last is at the end
    uv_timer_t tick;   // runs while there are feeds
    unsigned ticks;
    struct event_batch batch; // the reply in hand
    struct arena *arena;      // of the reply in hand
};

struct feed {
    struct list link;
    struct events *events;
    uint32_t tenant;
    struct list streams;
    struct event_position position; // live streams have got everything up to here
    bool is_started;                // position is known
    bool is_reading, is_dirty;      // dirty: a hint came while reading
};

static void on_tick(uv_timer_t *timer);
static void feed_read(struct feed *feed);
static void stream_read(struct event_stream *stream);
static void stream_go_on(struct event_stream *stream);

struct events *events_new(struct gateway *gateway)
{
    struct events *events = heap_new(sizeof *events);
    events->gateway = gateway;
    events->arena = arena_new();
    list_init(&events->feeds);
    list_init(&events->users);
    uv_timer_init(service_loop(gateway->service), &events->tick);
    events->tick.data = events;
    return events;
}

static struct feed *feed_find(struct events *events, int64_t tenant)
{
    LIST_EACH (&events->feeds, struct feed, link, feed)
        if (feed->tenant == tenant)
            return feed;
    return NULL;
}

static struct feed *feed_new(struct events *events, uint32_t tenant)
{
    struct feed *feed = heap_new(sizeof *feed);
    if (list_is_empty(&events->feeds))
        uv_timer_start(&events->tick, on_tick, TICK_MS, TICK_MS);
    *feed = (struct feed){.events = events, .tenant = tenant};
    list_init(&feed->streams);
    list_append(&events->feeds, &feed->link);
    return feed;
}

// ---- the route

static struct str last_event_id(const struct http_request *request)
{
    struct str id = http_header(request, "last-event-id"), query = http_query(request), pair, name;

    while (!str_present(id) && query.len) {
        str_cut(query, '&', &pair, &query);
        if (str_cut(pair, '=', &name, &pair) && str_equal(name, STR("lastEventId")))
            id = pair;
    }
    return id;
}

void events_open(struct exchange *exchange)
{
    struct gateway *gateway = exchange->gateway;
    struct events *events = gateway->events;
    struct str resume = last_event_id(exchange->http);
    struct event_position position = {0};
    struct err err;

    if (resume.len && !event_position_parse(resume, &position)) {
        answer_error(exchange, ERR_BAD_INPUT, STR("Last-Event-ID: not a position of this stream"));
        return;
    }
    if (gateway->streams >= (size_t)gateway->config->streams_limit) {
        answer_error(exchange, ERR_BUSY, STR("no more event streams"));
        return;
    }
    struct event_stream *stream = event_stream_new(exchange, &err);
    if (!stream) {
        answer_err(exchange, &err);
        return;
    }
    struct feed *feed = feed_find(events, exchange->principal.tenant);
    if (!feed)
        feed = feed_new(events, exchange->principal.tenant);
    stream->feed = feed;
    list_append(&feed->streams, &stream->link);
    if (exchange->principal.key == 0) // not a key: a user of GWS
        list_append(&events->users, &stream->user);
    if (!feed->is_started)
        feed_read(feed);
    if (resume.len) {
        stream->is_resuming = true;
        stream->position = position;
        stream_read(stream);
    } else if (feed->is_started) {
        stream->position = feed->position;
        stream->is_live = true;
        event_stream_begin(stream); // if this fails the stream is gone and its reader was informed
    }
}

// ---- reading

// after absent: from the present.
static void ask(struct events *events, uint32_t tenant, struct str after, bus_reply_fn *reply,
                void *context)
{
    struct msg_events_read message = {.after = after, .count = EVENT_BATCH_LIMIT};
    struct envelope envelope = {.message = MSG_EVENTS_READ,
                                .principal = {.tenant = tenant, .name = STR("gateway")},
                                .operation = id_new(),
                                .deadline_ms = READ_DEADLINE_MS};

    gateway_call(events->gateway, &envelope, &message, reply, context);
}

static bool reply_read(struct events *events, enum err_code code, struct str payload,
                       struct err *err)
{
    arena_reset(events->arena);
    if (code != ERR_OK)
        return err_set(err, code, "%.*s", STR_ARG(payload));
    return event_batch_read(&events->batch, payload, events->arena, err);
}

static void feed_answered(void *context, enum err_code code, struct str payload);

static void feed_read(struct feed *feed)
{
    char text[EVENT_POSITION_LENGTH];

    if (feed->is_reading) {
        feed->is_dirty = true;
        return;
    }
    feed->is_reading = true;
    feed->is_dirty = false;
    ask(feed->events, feed->tenant,
        feed->is_started ? event_position_text(feed->position, text) : STR_ABSENT, feed_answered,
        feed);
}

// The feed has a position: streams that waited for it begin or continue.
static void feed_start(struct feed *feed)
{
    feed->is_started = true;
    feed->position = feed->events->batch.position;
    LIST_EACH (&feed->streams, struct event_stream, link, stream) {
        if (stream->exchange && !stream->is_resuming) {
            stream->position = feed->position;
            stream->is_live = true;
            event_stream_begin(stream);
        } else if (!stream->is_live && !stream->is_reading) {
            stream_go_on(stream);
        }
    }
}

static void feed_pass_on(struct feed *feed)
{
    const struct event_batch *batch = &feed->events->batch;

    feed->position = batch->position;
    LIST_EACH (&feed->streams, struct event_stream, link, stream)
        if (stream->is_live && (!batch->reset || event_stream_reset(stream, batch->position)))
            event_stream_pass_on(stream, batch);
}

// No worker can answer: streams that are opening get this error; the others stay, and the tick
// reads again.
static void feed_failed(struct feed *feed, const struct err *err)
{
    LIST_EACH (&feed->streams, struct event_stream, link, stream)
        if (stream->exchange && !stream->is_resuming) {
            answer_err(stream->exchange, err);
            event_stream_drop(stream);
        }
}

static void feed_answered(void *context, enum err_code code, struct str payload)
{
    struct feed *feed = context;
    struct err err;

    feed->is_reading = false;
    if (!reply_read(feed->events, code, payload, &err)) {
        feed_failed(feed, &err);
        return;
    }
    if (feed->is_started)
        feed_pass_on(feed);
    else
        feed_start(feed);
    if (feed->is_dirty || feed->events->batch.more)
        feed_read(feed);
}

static void stream_answered(void *context, enum err_code code, struct str payload);

static void stream_read(struct event_stream *stream)
{
    char text[EVENT_POSITION_LENGTH];

    stream->is_reading = true;
    stream->goal = stream->feed->is_started ? stream->feed->position : (struct event_position){0};
    ask(stream->feed->events, stream->feed->tenant, event_position_text(stream->position, text),
        stream_answered, stream);
}

static void stream_answered(void *context, enum err_code code, struct str payload)
{
    struct event_stream *stream = context;
    struct events *events = stream->gateway->events; // the feed of a closed stream may be freed too
    struct err err;

    stream->is_reading = false;
    if (stream->is_gone) {
        event_stream_answered(stream);
    } else if (!reply_read(events, code, payload, &err)) {
        if (stream->exchange)
            answer_err(stream->exchange, &err);
        else
            http_stream_end(stream->http); // it comes back with Last-Event-ID
        event_stream_drop(stream);
    } else if ((events->batch.reset ? event_stream_reset(stream, events->batch.position)
                                    : stream->http || event_stream_begin(stream)) &&
               event_stream_pass_on(stream, &events->batch)) {
        // The feed may also hold a position of the old history, so it reads again to find out.
        if (events->batch.reset && stream->feed->is_started)
            feed_read(stream->feed);
        if (events->batch.more)
            stream_read(stream);
        else
            stream_go_on(stream);
    }
}

// A stream has read for itself: has it caught up with the feed?
static void stream_go_on(struct event_stream *stream)
{
    const struct feed *feed = stream->feed;

    // The stream read after the feed did, so it has all events of the feed, although its position,
    // that of this tenant's last event, may be much older.
    if (event_position_after(stream->goal, stream->position))
        stream->position = stream->goal;
    if (!feed->is_started)
        return; // feed_start() calls this again
    if (event_position_after(feed->position, stream->position))
        stream_read(stream);
    else
        stream->is_live = true; // from here on the feed's batches hold all that is missing
}

// ---- hints, time, the end

void events_hint(struct events *events, struct str topic)
{
    int64_t tenant;
    struct feed *feed =
        str_to_int(topic, 1, UINT32_MAX, &tenant) ? feed_find(events, tenant) : NULL;

    if (feed && feed->is_started)
        feed_read(feed);
}

static void feed_check(struct feed *feed)
{
    LIST_EACH (&feed->streams, struct event_stream, link, stream)
        event_stream_check(stream);
}

void events_check(struct events *events, struct str whose)
{
    int64_t tenant;
    bool one = str_to_int(whose, 1, UINT32_MAX, &tenant);

    LIST_EACH (&events->feeds, struct feed, link, feed)
        if (!one || feed->tenant == tenant)
            feed_check(feed);
}

static void heartbeat(struct feed *feed)
{
    LIST_EACH (&feed->streams, struct event_stream, link, stream)
        if (stream->http)
            event_stream_write(stream, STR(":\n\n"));
}

// GWS does not report users that it has logged out. So it is asked about each reader once a second;
// if there are many, about a limited number a second in turn.
static void users_ask(struct events *events)
{
    for (int left = USERS_ASKED_A_TICK; left > 0 && !list_is_empty(&events->users); left--) {
        struct event_stream *stream = LIST_FIRST(&events->users, struct event_stream, user);
        if (stream->asked == events->ticks)
            return;
        stream->asked = events->ticks;
        list_remove(&stream->user);
        list_append(&events->users, &stream->user);
        event_stream_ask(stream);
    }
}

// Reads again without a hint, keeps connections open, ends streams whose permission has expired,
// and frees feeds without streams.
static void on_tick(uv_timer_t *timer)
{
    struct events *events = timer->data;
    bool beats = ++events->ticks % HEARTBEAT_TICKS == 0;

    LIST_EACH (&events->feeds, struct feed, link, feed) {
        if (beats)
            heartbeat(feed);
        feed_check(feed);
        if (!list_is_empty(&feed->streams)) {
            feed_read(feed);
        } else if (!feed->is_reading) {
            list_remove(&feed->link);
            free(feed);
        }
    }
    users_ask(events);
    if (list_is_empty(&events->feeds))
        uv_timer_stop(&events->tick);
}

static void on_tick_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct events, tick));
}

void events_free(struct events **events)
{
    if (!*events)
        return;
    LIST_EACH (&(*events)->feeds, struct feed, link, feed) {
        ASSERT(!feed->is_reading);
        LIST_EACH (&feed->streams, struct event_stream, link, stream) {
            if (stream->http)
                http_stream_end(stream->http);
            event_stream_drop(stream);
        }
        free(feed);
    }
    buf_release(&(*events)->batch.text);
    arena_free(&(*events)->arena);
    uv_close((uv_handle_t *)&(*events)->tick, on_tick_closed);
    *events = NULL;
}
