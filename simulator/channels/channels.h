// channels: what the simulator keeps for each channel (one of Nexus' numbers): its knobs and
// counts.
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "simulator/channels/knobs.h"

struct counts {
#define COUNT(field, name, doc) uint64_t field;
#include "simulator/channels/counts.def"
};

struct channel {
    char name[65]; // digits, without '+'
    bool has_own_knobs;
    struct knobs own;
    struct counts counts;
};

struct channels;

struct channels *channels_new(void);
void channels_free(struct channels **channels);

// By the number, with or without '+'; created at its first use. At most 10000 are created; all
// further numbers share one.
struct channel *channels_get(struct channels *channels, struct str number);
const struct knobs *channel_knobs(const struct channels *channels, const struct channel *channel);

struct knobs *channels_default_knobs(struct channels *channels);
struct knobs *channel_own_knobs(struct channels *channels, struct channel *channel); // from now on
void channels_reset_knobs(struct channels *channels); // all of them, to the defaults
void channels_reset_counts(struct channels *channels);

// {"total":{…},"channels":{"18445551212":{…}}}
void channels_write_counts(const struct channels *channels, struct buf *out);

#define CHANNEL_COUNT(channel, field) ((channel)->counts.field++)
