// pipeline_view: what a scrape of /metrics says about each hop of a message's way (pipeline.def),
// and how well each does. No I/O, no clock.
//
//   bad    something it needs is missing, a fifth of it goes wrong, or the oldest waits too long
//   warn   one in a hundred goes wrong, it waits longer than it should, or a way is closed
//   good   it moves             idle   there is nothing to do
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum pipeline_hop {
#define HOP(id, ...) PIPELINE_##id,
#define FROM(...)
#define NEEDS(...)
#include "pipeline.def"
    PIPELINE_HOPS
};

enum pipeline_measure {
    PIPELINE_TOTAL,
    PIPELINE_ERRORS,
    PIPELINE_DEPTH,
    PIPELINE_OLDEST,
    PIPELINE_SECONDS,
    PIPELINE_TIMES,
    PIPELINE_CLOSED,
    PIPELINE_MEASURES
};

enum { PIPELINE_NEEDS_LIMIT = 16 };

struct pipeline_sample {
    int64_t at_us; // when it was read
    double values[PIPELINE_HOPS][PIPELINE_MEASURES];
    double needs[PIPELINE_NEEDS_LIMIT]; // in the order of the table; below 0: nobody says
};

void pipeline_read(struct str exposition, int64_t at_us, struct pipeline_sample *sample);

// Which of these readings the latest is compared with; samples: the latest first. That which is 4 s older, or a little more: what
// went wrong stays to be seen for so long, however often and by how many it is read. NULL: there is none within a minute.
const struct pipeline_sample *pipeline_before(const struct pipeline_sample *samples, size_t count);

enum pipeline_state { PIPELINE_IDLE, PIPELINE_GOOD, PIPELINE_WARN, PIPELINE_BAD };

// Rates are those between two samples; before may be NULL: then nobody knows any.
enum pipeline_state pipeline_judge(const struct pipeline_sample *before,
                                   const struct pipeline_sample *now, enum pipeline_hop hop,
                                   struct buf *why);
// As GET /nexus/v3/pipeline has it.
void pipeline_write(const struct pipeline_sample *before, const struct pipeline_sample *now,
                    struct buf *out);
