// history: the messages that the simulator keeps, in both directions, the oldest dropped first: at
// most 100000 and 64 MiB. Found by their sequence number and, those from Nexus, by their message
// id; both without a search.
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum history_direction { FROM_PHONE, TO_PHONE };

struct remembered {
    uint64_t sequence; // from 1, without gaps
    int64_t time_us;
    enum history_direction direction;
    struct str message_id, channel, from, to, text;
    const char *state;   // a word for people; static
    int attempts;        // requests to Nexus, or webhooks with this id
    int status;          // of the last one; 0: no answer
    bool is_answered_ok; // some attempt had a 2xx
    bool has_receipt;    // a final one was sent
    uint64_t order;      // its place in the conversation according to Nexus; 0: none
};

struct history;

struct history *history_new(void);
void history_free(struct history **history);
void history_clear(struct history *history); // sequence numbers go on

// A copy of `message` is kept under the next sequence number. Valid until the next history_add().
struct remembered *history_add(struct history *history, const struct remembered *message);
struct remembered *history_get(struct history *history, uint64_t sequence); // NULL when forgotten
// The message of that id on its way to the phone; NULL when never seen, or forgotten.
struct remembered *history_find(struct history *history, struct str channel, struct str message_id);

// Is it from or to that number? With or without '+'; every message concerns the empty number.
bool remembered_concerns(const struct remembered *message, struct str number);
// {"messages":[…],"next":N}: those after a sequence number that concern a number, at most count.
void history_write(const struct history *history, uint64_t after, struct str number, size_t count,
                   struct buf *out);
void remembered_write(const struct remembered *message, struct buf *out); // a JSON object
