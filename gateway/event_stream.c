// event_stream: see the header.
#include "event_stream.h"

#include "answer.h"

#include "base/panic.h"
#include "io/http_server.h"

#include <stdlib.h>

struct event_stream *event_stream_new(struct feed *feed, struct exchange *exchange)
{
    struct event_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        panic("out of memory");
    *stream =
        (struct event_stream){.feed = feed, .gateway = exchange->gateway, .exchange = exchange};
    stream->gateway->streams++;
    return stream;
}

void event_stream_drop(struct event_stream *stream)
{
    stream->is_gone = true;
    stream->gateway->streams--;
    list_remove(&stream->link);
    if (!stream->is_reading)
        free(stream);
}

static void on_closed(void *context)
{
    event_stream_drop(context);
}

bool event_stream_write(struct event_stream *stream, struct str text)
{
    if (http_stream_write(stream->http, text))
        return true;
    http_stream_end(stream->http);
    event_stream_drop(stream);
    return false;
}

bool event_stream_begin(struct event_stream *stream)
{
    struct exchange *exchange = stream->exchange;
    struct buf *text = &stream->gateway->text;
    char position[EVENT_POSITION_LENGTH];

    // The id alone: whoever loses the connection before the first event resumes from here.
    buf_clear(text);
    buf_str_append(text, STR("id: "));
    buf_str_append(text, event_position_text(stream->position, position));
    buf_str_append(text, STR("\n\n"));
    stream->exchange = NULL;
    answer_is_stream(exchange);
    stream->http = http_stream_start(exchange->http, STR("text/event-stream"), on_closed, stream);
    return event_stream_write(stream, buf_str(text));
}

bool event_stream_pass_on(struct event_stream *stream, const struct event_batch *batch)
{
    // One by one: a batch may be more than one connection may have waiting.
    for (size_t i = event_batch_after(batch, stream->position); i < batch->count; i++)
        if (!event_stream_write(stream, event_batch_text(batch, i)))
            return false;
    if (event_position_after(batch->position, stream->position))
        stream->position = batch->position; // it may be ahead, from reading for itself
    return true;
}
