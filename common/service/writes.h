// writes: whether what this process writes is committed, from what became of its writes. No I/O.
//
// While nothing else commits, a process writes a probe (STATEMENT_WRITE_PROBE); so the last commit
// is never long ago, unless something is wrong:
//
//   stuck      nothing was committed for WRITES_STUCK_MS, though something waits
//   full       a write failed for want of room a moment ago, or none was committed since
//   failing    the last thing that became of a write is an error of the server's
//   read-only  the server takes no writes; the pool has left it
//
// One batch that waits for a row somebody holds is none of this: others commit beside it.
#pragma once

#include "bus/health_reason.h"
#include "io/pg.h"

enum { WRITES_PROBE_MS = 750, WRITES_STUCK_MS = 1500, WRITES_FULL_MS = 2000 };

// Should a probe be written?
bool writes_want_probe(const struct pg_writes *writes, int64_t now_ms);
// Adds what is wrong, if anything is.
void writes_judge(const struct pg_writes *writes, bool connected, int64_t now_ms,
                  struct health_reasons *reasons);
