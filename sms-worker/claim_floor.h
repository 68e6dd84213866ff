// claim_floor: how far back a claim must look. The rows a destination has finished leave dead
// entries at the front of the index until they are vacuumed; a claim that starts where the last one
// ended does not wade through them. What appears behind the floor (committed late, lease run out)
// is found by the sweep, which asks for one claim without it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CLAIM_FLOOR_SLACK_US = 2 * 1000 * 1000 }; // for transactions that were still running

struct claim_floor {
    int64_t newest_due_us; // of the rows claimed so far, PostgreSQL's clock
    bool lifted;
};

// What the next claim uses; a lifted floor counts for that one claim.
static inline int64_t claim_floor_take(struct claim_floor *floor)
{
    int64_t due_us = floor->newest_due_us - CLAIM_FLOOR_SLACK_US;
    if (floor->lifted || due_us < 0)
        due_us = 0;
    floor->lifted = false;
    return due_us;
}

static inline void claim_floor_note(struct claim_floor *floor, int64_t due_us)
{
    if (due_us > floor->newest_due_us)
        floor->newest_due_us = due_us;
}

static inline void claim_floor_lift(struct claim_floor *floor)
{
    floor->lifted = true;
}
