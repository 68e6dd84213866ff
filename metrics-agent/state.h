// state: what a fold holds, in a file, so that what was shown once is never shown lower when the
// agent was restarted.
//
// Written anew before each scrape is answered and renamed into place, so it is always whole. Not
// synced to disk: it outlives the process, not the machine, and after the machine's end all counters
// begin anew, which Prometheus understands.
//
//   "nexus-metrics 1\n", then for each record its length (32 bits, big endian) and a snapshot
#pragma once

#include "base/err.h"
#include "metrics-agent/fold.h"

// No such file is fine. False: what is there cannot be read; the fold holds what could.
MUST_USE bool state_read(const char *path, struct fold *fold, int64_t now_ms, struct err *err);
MUST_USE bool state_write(const char *path, const struct fold *fold, struct err *err);
