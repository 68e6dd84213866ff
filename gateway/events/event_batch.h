// event_batch: what chat-worker answers to events.read, as Server-Sent Events; without I/O.
//
// A position is "<transaction>-<ordinal>": the order in which events became visible. Nothing can
// appear behind a position once it was read (docs/decisions, 0003), so whoever holds one misses
// nothing by asking for what comes after it. The transaction's number also tells in which history
// of the database it was made (db/functions/conversations/event.sql): positions of two histories
// cannot be compared, and the reader of an old one is set to the present and told so.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_position {
    uint64_t transaction, ordinal;
};

// 40 events whose 4096 bytes of text JSON made six times as long still fit a frame of the bus.
enum { EVENT_BATCH_LIMIT = 40, EVENT_POSITION_LENGTH = 44 };

MUST_USE bool event_position_parse(struct str text, struct event_position *position);
struct str event_position_text(struct event_position position,
                               char text[static EVENT_POSITION_LENGTH]);
// Is a later than b?
bool event_position_after(struct event_position a, struct event_position b);

struct event_batch {
    struct buf text; // "id: …\nevent: …\ndata: …\n\n" for each event
    struct event_mark {
        struct event_position position;
        size_t start; // in text
    } marks[EVENT_BATCH_LIMIT];
    size_t count;
    struct event_position position; // ask for what comes after this
    bool more;                      // more events exist already
    bool reset; // the position asked about cannot be continued; this one is the present
};

// Reads {"events":[{"position":…,"type":…,…}],"position":…,"more":…,"reset":…}; the batch is
// reused.
MUST_USE bool event_batch_read(struct event_batch *batch, struct str json, struct arena *arena,
                               struct err *err);
// The first event after the position; count when there is none.
size_t event_batch_after(const struct event_batch *batch, struct event_position position);
struct str event_batch_text(const struct event_batch *batch, size_t index);
