// writes: whether what this process writes is committed, from what became of its writes. No I/O.
//
// While nothing else commits, a process writes a probe (STATEMENT_WRITE_PROBE); so the last commit
// is never long ago, unless something is wrong. After a failure the probe is another one
// (STATEMENT_WORK_PROBE), which goes through all that batches need.
//
//   stuck      nothing was committed for WRITES_STUCK_MS, though something waits
//   full       a write failed for want of room a moment ago, or none was committed since
//   failing    the last thing that became of a write is an error of the server's; or a table, a
//              function or a right was missing (class 42), and no probe has shown since that it
//              is there again: other writes, which do not need it, may commit all the time
//   hangs      a server process did not answer, not even to say that its time was over, and its
//              connection was given up a moment ago; others are committed. As long as it is at its
//              statement and keeps its locks, provisioning-worker tells it (db/functions/health.sql)
//   locked     for WRITES_LOCKED_MS and more statements have waited in vain for a lock, though others commit
//   read-only  the server takes no writes; the pool has left it
//
// One batch that waits for a moment for a row that somebody holds is none of this: others commit beside it.
#pragma once

#include "bus/health_reason.h"
#include "io/pg.h"

enum {
    WRITES_PROBE_MS = 750,
    WRITES_STUCK_MS = 1500,
    WRITES_FULL_MS = 2000,
    WRITES_HUNG_MS = 10000,
    WRITES_LOCKED_MS = 2000
};

// Should a probe be written, and should it be the one that goes through all?
bool writes_want_probe(const struct pg_writes *writes, int64_t now_ms);
bool writes_want_proof(const struct pg_writes *writes);
// Adds what is wrong, if anything is.
void writes_judge(const struct pg_writes *writes, bool connected, int64_t now_ms,
                  struct health_reasons *reasons);
