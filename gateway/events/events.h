// events: GET /chat/v3/events, what happens in a tenant's conversations as Server-Sent Events.
//
// Each tenant with a reader has one feed. It reads the event table through chat-worker after each
// hint of a worker (and once a second, because a hint may be lost) and passes each batch to all its
// streams. A stream that resumes from Last-Event-ID, or fell behind, reads for itself until it has
// caught up with the feed. One that resumes from a position of another history of the database,
// from beyond the present, or from before events that are forgotten by now, gets an event "reset"
// with the present position and continues from there; its reader must load again what it shows.
// Positions decide which events a stream still needs, so on one connection no event is skipped or
// sent twice. A reader that is too slow is disconnected; it resumes later.
#pragma once

#include "base/str.h"

struct events;
struct exchange;
struct gateway;

struct events *events_new(struct gateway *gateway);
// Call it after the bus is closed: no read may be in flight.
void events_free(struct events **events);

// The route's function.
void events_open(struct exchange *exchange);
// The bus reports new events of a tenant; topic is its number.
void events_hint(struct events *events, struct str topic);
// Permissions have changed (whose: as in principals_forget()): streams that may not be read any
// more end. Changes that are not reported, such as the expiry of a key, end them within a second
// too; so does the log-out of a user at GWS, as far as each user can be checked once a second.
void events_check(struct events *events, struct str whose);
