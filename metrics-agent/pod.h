// pod: answers the probes of a pod whose processes have no port of their own (workers). Every
// process that ever pushed a snapshot belongs to the pod and must continue to push once a second.
//
//   live     200 while no process has been silent for POD_LOST_MS. A process whose loop hangs
//            aborts after 10 s and is restarted a second later. A process that is missing longer is
//            stopped or no longer restarted by the supervisor, so the pod must be restarted. A process
//            that was stopped normally does not count
//   startup  200 once the pod has been ready
//   ready    200 while there are processes, none has stopped or been silent for POD_SILENT_MS, and
//            all that need PostgreSQL reach it
//   processes  200 always: for gateways, whose health reports silent processes, and peers that were
//              refused at the socket of the snapshots
//
// The agent knows no process when it starts, so one that died before is not missed.
#pragma once

#include "base/buf.h"
#include "metrics-agent/fold.h"

#include <stdbool.h>

enum { POD_SILENT_MS = 5 * 1000, POD_LOST_MS = 30 * 1000, POD_REFUSED_MS = 60 * 1000 };

enum pod_question { POD_LIVE, POD_STARTUP, POD_READY, POD_PROCESSES };

struct pod {
    bool was_ready; // at least once
    int64_t refused_until_ms;
};

// The answer as yes or no, and as JSON with the processes that decided it. self is the agent's own
// role, which is not counted.
bool pod_ask(struct pod *pod, enum pod_question question, const struct fold *fold, struct str self,
             int64_t now_ms, struct buf *json);
