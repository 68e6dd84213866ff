// event_stream: one reader of events and its connection. It is opening (its exchange waits for the
// first read), catching up (it reads for itself) or live (its feed passes it each batch); events.c
// decides which.
//
// A stream ends when the right to read it ends: event_stream_check() identifies the reader and
// checks the permission again. The answer is almost always cached (key_cache.h).
#pragma once

#include "gateway/events/event_batch.h"
#include "gateway/identity/permission.h"
#include "gateway/identity/principal.h"

#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>

struct exchange;
struct feed;
struct gateway;
struct http_stream;

struct event_stream {
    struct list link; // of its feed's streams
    struct list user; // of all whose reader is a user of GWS; not linked: a key's
    unsigned asked;   // in which tick GWS was asked last
    struct feed *feed;
    struct gateway *gateway;
    struct exchange *exchange;      // while opening
    struct http_stream *http;       // afterwards
    struct event_position position; // it has got everything up to here
    struct event_position goal;     // where the feed stood when the stream last read for itself
    uint32_t tenant;
    enum permission permission;
    struct credentials credentials; // its reader's credentials; the strings follow the struct
    struct principal_wait check;    // for who the reader is now
    int64_t ends_ms; // the end of its permission, as known from the request or the last check
    struct share *of_key, *of_tenant;
    bool is_resuming, is_live;
    bool is_reading, is_checking; // a pending answer refers to it
    bool is_gone;                 // not on its list; freed when no answer is pending
    size_t size;
};

// NULL: its key or contact center has as many as allowed; err says which.
// The caller puts it on a feed.
struct event_stream *event_stream_new(struct exchange *exchange, struct err *err);
void event_stream_drop(struct event_stream *stream);
// Ends the stream, now or when the answer arrives, if its reader may not read any more: the key was
// revoked, disabled or has expired, the session is over, or the user has lost the permission. While
// this cannot be checked the stream continues until its known end.
void event_stream_check(struct event_stream *stream);
// The same, and GWS is asked whether the reader is still valid.
void event_stream_ask(struct event_stream *stream);
// A stream with a read or check in flight is told when the answer arrives.
void event_stream_answered(struct event_stream *stream);

// These return false when the reader is too slow: then the stream was dropped, and the reader is
// disconnected once the bytes written so far were sent. It resumes from there.
bool event_stream_begin(struct event_stream *stream); // the head, and where it begins
bool event_stream_write(struct event_stream *stream, struct str text);
// Its position cannot be continued: it starts again at this one, and its reader is informed.
bool event_stream_reset(struct event_stream *stream, struct event_position position);
// Sends the events of the batch that it does not have yet.
bool event_stream_pass_on(struct event_stream *stream, const struct event_batch *batch);
