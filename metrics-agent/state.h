// state: saves a fold in a file, so that totals never decrease when the agent is restarted.
//
// The file is rewritten before each scrape is answered and renamed into place, so it is always
// complete. It is not synced to disk: it survives a restart of the process, not of the machine.
// After that all counters start from zero, which Prometheus understands.
//
//   "nexus-metrics 1\n", then for each record its length (32 bits, big endian) and a snapshot
#pragma once

#include "base/err.h"
#include "metrics-agent/fold.h"

// A missing file is fine. False: the file is partly unreadable; the fold holds the readable part.
MUST_USE bool state_read(const char *path, struct fold *fold, int64_t now_ms, struct err *err);
MUST_USE bool state_write(const char *path, const struct fold *fold, struct err *err);
