// claim_floor: how far back a claim must look. The rows a destination has finished leave dead
// entries at the front of the index until they are vacuumed; a claim that starts where the last one
// ended need not read them. Rows before the floor that become claimable must be reported by the
// code that knows their due time (the next row of a conversation, the rest of a backlog). Rows that
// no code can report (committed late, lease run out) are found by the sweep, which resets the
// floor.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CLAIM_FLOOR_SLACK_US = 2 * 1000 * 1000 }; // for transactions that were still running

struct claim_floor {       // zeroed: nothing was claimed yet
    int64_t newest_due_us; // of the rows claimed so far, PostgreSQL's clock
    int64_t told_us;       // the oldest one reported since the last claim
    bool told;
};

// The start of the next claim; reported rows count for that one claim.
static inline int64_t claim_floor_take(struct claim_floor *floor)
{
    int64_t due_us = floor->newest_due_us;
    if (floor->told && floor->told_us < due_us)
        due_us = floor->told_us;
    floor->told = false;
    return due_us > CLAIM_FLOOR_SLACK_US ? due_us - CLAIM_FLOOR_SLACK_US : 0;
}

static inline void claim_floor_note(struct claim_floor *floor, int64_t due_us)
{
    if (due_us > floor->newest_due_us)
        floor->newest_due_us = due_us;
}

// There may be rows that were due then, or later.
static inline void claim_floor_lower(struct claim_floor *floor, int64_t due_us)
{
    if (!floor->told || due_us < floor->told_us)
        floor->told_us = due_us;
    floor->told = true;
}

static inline void claim_floor_reset(struct claim_floor *floor)
{
    claim_floor_lower(floor, 0);
}
