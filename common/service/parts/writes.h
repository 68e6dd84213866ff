// writes: whether the writes of this process are committed, judged by their results. No I/O.
//
// While nothing else commits, a process writes a probe (STATEMENT_WRITE_PROBE); so the last commit
// is never long ago, unless something is wrong. After a failure the probe is another one
// (STATEMENT_WORK_PROBE), which goes through all that batches need.
//
//   stuck      nothing was committed for WRITES_STUCK_MS, though something waits
//   full       a write failed for lack of room a moment ago, or none was committed since
//   failing    the last write ended with an error of the server; or a table, a
//              function or a right was missing (class 42), and no probe has shown since that it
//              is there again: other writes, which do not need it, may commit all the time
//   hangs      a server process did not answer, not even with a timeout, and its
//              connection was given up a moment ago; others are committed. While it still executes
//              its statement and keeps its locks, provisioning-worker reports it
//              (db/functions/upkeep/health.sql)
//   locked     statements have waited in vain for a lock for WRITES_LOCKED_MS or longer, though
//              others commit
//   read-only  the server takes no writes; the pool has left it
//
// A batch that waits for a moment for a locked row is none of these, because others commit
// meanwhile.
#pragma once

#include "bus/health_reason.h"
#include "io/pg/pg.h"

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
// Adds a reason for each fault found.
void writes_judge(const struct pg_writes *writes, bool connected, int64_t now_ms,
                  struct health_reasons *reasons);
