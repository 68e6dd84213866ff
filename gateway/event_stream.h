// event_stream: one reader of events and its connection. It is opening (its exchange waits for the
// first read), catching up (it reads for itself) or live (its feed passes it each batch); events.c
// decides which.
//
// A stream lasts no longer than the right to it: event_stream_check() asks again who its reader is
// and what they may do. The answer is almost always in the gateway's memory (key_cache.h).
#pragma once

#include "event_batch.h"
#include "principal.h"

#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>

struct exchange;
struct feed;
struct gateway;
struct http_stream;

struct event_stream {
    struct list link; // of its feed's streams
    struct list user; // of all whose reader GWS vouches for; not linked: a key's
    unsigned asked;   // in which tick GWS was asked last
    struct feed *feed;
    struct gateway *gateway;
    struct exchange *exchange;      // while opening
    struct http_stream *http;       // afterwards
    struct event_position position; // it has got everything up to here
    struct event_position goal;     // where the feed stood when the stream last read for itself
    uint32_t tenant;
    enum permission permission;
    struct credentials credentials; // what its reader showed; the strings follow the struct
    struct principal_wait check;    // for who the reader is now
    int64_t ends_ms;                // its right, as far as was known when it was asked about last
    struct share *of_key, *of_tenant;
    bool is_resuming, is_live;
    bool is_reading, is_checking; // the answer to come holds on to it
    bool is_gone;                 // off its list; freed when no answer is to come any more
    size_t size;
};

// NULL: its key or contact center has as many as it may; err says which.
// It is put on a feed by the caller.
struct event_stream *event_stream_new(struct exchange *exchange, struct err *err);
void event_stream_drop(struct event_stream *stream);
// Ends the stream, now or when the answer is there, if its reader may not read any more: the key was
// revoked, disabled or has expired, the session is over, or the user has lost the right. While
// nobody can be asked it goes on, to the end that is known.
void event_stream_check(struct event_stream *stream);
// The same, and GWS is asked whether it still knows the reader.
void event_stream_ask(struct event_stream *stream);
// One that reads for itself, or is asked about, is told when the answer is there.
void event_stream_answered(struct event_stream *stream);

// These say false when the reader was too slow: it is cut off, the stream has been dropped. What
// was written until then still goes out, and the reader resumes from there.
bool event_stream_begin(struct event_stream *stream); // the head, and where it begins
bool event_stream_write(struct event_stream *stream, struct str text);
// Its position cannot be continued: it begins anew at this one, and its reader is told.
bool event_stream_reset(struct event_stream *stream, struct event_position position);
// Those events of the batch that it has not got.
bool event_stream_pass_on(struct event_stream *stream, const struct event_batch *batch);
