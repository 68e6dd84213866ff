// events: GET /chat/v3/events, what happens in a tenant's conversations as Server-Sent Events.
//
// Each tenant that somebody watches has one feed: it reads the event table through chat-worker
// whenever a worker hints at news (and once a second, because a hint may be lost) and passes each
// batch to all its streams. A stream that resumes from Last-Event-ID, or fell behind, reads for
// itself until it has met the feed. One that resumes from a position of another history of the
// database, from beyond the present, or from before events that are forgotten by now, gets an event
// "reset" with the present position and goes on from there; its reader reads anew what it shows. A position decides what a stream is still owed, so nothing is
// skipped and nothing sent twice on one connection. A reader that is too slow is cut off; it
// resumes.
#pragma once

#include "base/str.h"

struct events;
struct exchange;
struct gateway;

struct events *events_new(struct gateway *gateway);
// After the bus: no read may be out.
void events_free(struct events **events);

// The route's function.
void events_open(struct exchange *exchange);
// The bus says that a tenant has news; topic is its number.
void events_hint(struct events *events, struct str topic);
// Somebody's rights have changed (whose: as of principals_forget()): streams whose right to be read
// has gone end. What nobody tells, as a key that expires, ends them within a second all the same; so does GWS
// that no longer knows a user, as far as it can be asked about each of them once a second.
void events_check(struct events *events, struct str whose);
