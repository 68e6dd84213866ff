// aggregator: sends MO and receipts to Nexus like a real aggregator: each is posted until a 2xx
// comes, with the same message_id, at most 10 times with growing pauses. At most 100000 are in
// flight, 64 requests at once.
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct simulator;
struct channel;
struct aggregator;

enum posting_kind { POSTING_MO, POSTING_RECEIPT };

struct posting {
    enum posting_kind kind;
    struct channel *channel;
    struct str body;        // JSON
    struct str target;      // these three: absent if the channel's knobs or the
    struct str ccid, key;   // configuration decide
    int64_t delay_ms;       // before the first attempt
    uint64_t sequence;      // of the message in the history that it is about
    const char *state_then; // its state once Nexus took this; static
    bool is_final;          // the last receipt of its message
};

struct aggregator *aggregator_new(struct simulator *simulator);
// Drops everything in flight; the memory is freed when the loop has closed the timers. The HTTP
// client must have no request in flight, or be about to abort it.
void aggregator_free(struct aggregator **aggregator);
// Everything is copied. False: too many are in flight.
bool aggregator_post(struct aggregator *aggregator, const struct posting *posting);
