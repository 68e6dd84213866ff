// pipeline_view: the numbers of each hop of a message's way (pipeline.def) from a scrape of
// /metrics, and the state of each hop. No I/O, no clock.
//
//   bad    something it needs is missing, a fifth of it fails, or the oldest waits too long
//   warn   one in a hundred fails, the oldest waits longer than it should, or a breaker is open
//   good   it works             idle   there is nothing to do
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum pipeline_hop {
#define HOP(id, ...) PIPELINE_##id,
#define FROM(...)
#define NEEDS(...)
#include "gateway/pipeline/pipeline.def"
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
    double needs[PIPELINE_NEEDS_LIMIT]; // in the order of the table; below 0: unknown
};

void pipeline_read(struct str exposition, int64_t at_us, struct pipeline_sample *sample);

// The reading with which the latest one is compared; samples: the latest first. It is 4 s older, or
// a little more, so failures stay visible for that time, however often the page is read. NULL:
// there is none within a minute.
const struct pipeline_sample *pipeline_before(const struct pipeline_sample *samples, size_t count);

enum pipeline_state { PIPELINE_IDLE, PIPELINE_GOOD, PIPELINE_WARN, PIPELINE_BAD };

// Rates are those between two samples; before may be NULL: then there are no rates.
enum pipeline_state pipeline_judge(const struct pipeline_sample *before,
                                   const struct pipeline_sample *now, enum pipeline_hop hop,
                                   struct buf *why);
// As GET /nexus/v3/pipeline has it.
void pipeline_write(const struct pipeline_sample *before, const struct pipeline_sample *now,
                    struct buf *out);
