// event_stream: see the header.
#include "gateway/events/event_stream.h"

#include "gateway/answer.h"
#include "gateway/limits/shares.h"

#include "base/clock.h"
#include "base/heap.h"
#include "io/http_server/http_server.h"

#include <stdlib.h>

static struct str copy_behind(char **at, struct str text)
{
    struct str copy = str_make(*at, text.len);

    if (text.len)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return copy;
}

static bool shares_are_taken(struct exchange *exchange, struct share **of_key,
                             struct share **of_tenant, struct err *err)
{
    struct gateway *gateway = exchange->gateway;

    *of_key = shares_take(gateway->shares, SHARE_KEY_STREAMS, &exchange->principal,
                          (size_t)gateway->config->key_streams_limit, err);
    if (!*of_key)
        return false;
    *of_tenant = shares_take(gateway->shares, SHARE_TENANT_STREAMS, &exchange->principal,
                             (size_t)gateway->config->tenant_streams_limit, err);
    if (!*of_tenant)
        shares_give_back(gateway->shares, of_key);
    return *of_tenant;
}

struct event_stream *event_stream_new(struct exchange *exchange, struct err *err)
{
    struct share *of_key, *of_tenant;

    if (!shares_are_taken(exchange, &of_key, &of_tenant, err))
        return NULL;
    const struct credentials *shown = &exchange->credentials;
    size_t size = sizeof(struct event_stream) + shown->key.len + shown->ccid.len;
    struct event_stream *stream = heap_new(size);
    char *at = (char *)(stream + 1);
    *stream = (struct event_stream){.gateway = exchange->gateway,
                                    .exchange = exchange,
                                    .of_key = of_key,
                                    .of_tenant = of_tenant,
                                    .tenant = exchange->principal.tenant,
                                    .permission = exchange->match.route->permission,
                                    .ends_ms = exchange->right_ends_ms,
                                    .size = size};
    stream->credentials = *shown;
    stream->credentials.key = copy_behind(&at, shown->key);
    stream->credentials.ccid = copy_behind(&at, shown->ccid);
    stream->gateway->streams++;
    return stream;
}

void event_stream_answered(struct event_stream *stream)
{
    if (!stream->is_gone || stream->is_reading || stream->is_checking)
        return;
    explicit_bzero(stream, stream->size); // it held a key
    free(stream);
}

void event_stream_drop(struct event_stream *stream)
{
    stream->is_gone = true;
    stream->gateway->streams--;
    shares_give_back(stream->gateway->shares, &stream->of_key);
    shares_give_back(stream->gateway->shares, &stream->of_tenant);
    list_remove(&stream->link);
    if (list_is_linked(&stream->user))
        list_remove(&stream->user);
    event_stream_answered(stream);
}

// May the stream's reader still read it?
static bool may_go_on(const struct event_stream *stream, const struct caller *caller,
                      const struct err *err)
{
    if (!caller) // any other error means that it could not be checked
        return err->code != ERR_UNKNOWN_KEY && clock_monotonic_ms() < stream->ends_ms;
    return caller->principal.tenant == stream->tenant &&
           caller->permissions & 1U << stream->permission;
}

static void on_checked(void *context, struct caller *caller, const struct err *err)
{
    struct event_stream *stream = context;
    struct err refusal;

    stream->is_checking = false;
    if (caller)
        stream->ends_ms = caller->ends_ms;
    if (stream->is_gone) {
        event_stream_answered(stream);
    } else if (!may_go_on(stream, caller, err)) {
        if (stream->exchange) {
            err_set(&refusal, ERR_UNKNOWN_KEY, "the right to this stream has ended");
            answer_err(stream->exchange, &refusal);
        } else {
            http_stream_cut(stream->http);
        }
        event_stream_drop(stream);
    }
}

static void check(struct event_stream *stream, bool asks_anew)
{
    if (stream->is_checking)
        return;
    stream->is_checking = true;
    stream->check = (struct principal_wait){
        .done = on_checked, .context = stream, .is_let_in = true, .asks_anew = asks_anew};
    principals_find(stream->gateway->principals, &stream->credentials, &stream->check);
}

void event_stream_check(struct event_stream *stream)
{
    check(stream, false);
}

void event_stream_ask(struct event_stream *stream)
{
    check(stream, true);
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
    AUTO(buf) text = {0};
    char position[EVENT_POSITION_LENGTH];

    // Only the id: a reader that loses the connection before the first event resumes from here.
    buf_str_append(&text, STR("id: "));
    buf_str_append(&text, event_position_text(stream->position, position));
    buf_str_append(&text, STR("\n\n"));
    stream->exchange = NULL;
    answer_is_stream(exchange);
    stream->http = http_stream_start(exchange->http, STR("text/event-stream"), on_closed, stream);
    if (!event_stream_write(stream, buf_str(&text)))
        return false;
    if (!http_server_lets_go(stream->gateway->server))
        return true;
    http_stream_end(stream->http); // this gateway is draining: another one continues from here
    event_stream_drop(stream);
    return false;
}

bool event_stream_reset(struct event_stream *stream, struct event_position position)
{
    AUTO(buf) text = {0};
    char at[EVENT_POSITION_LENGTH];

    stream->position = stream->goal = position;
    if (!stream->http && !event_stream_begin(stream))
        return false;
    struct str id = event_position_text(position, at);
    buf_printf(&text,
               "id: %.*s\nevent: reset\ndata: {\"type\":\"reset\",\"position\":\"%.*s\"}\n\n",
               STR_ARG(id), STR_ARG(id));
    return event_stream_write(stream, buf_str(&text));
}

bool event_stream_pass_on(struct event_stream *stream, const struct event_batch *batch)
{
    // One by one: a batch may exceed what may wait on one connection.
    for (size_t i = event_batch_after(batch, stream->position); i < batch->count; i++)
        if (!event_stream_write(stream, event_batch_text(batch, i)))
            return false;
    if (event_position_after(batch->position, stream->position))
        stream->position = batch->position; // it may be ahead, from reading for itself
    return true;
}
