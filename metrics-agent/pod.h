// pod: what probes of a pod ask where none of its processes has a port of its own: the workers'. Who
// ever pushed a snapshot belongs to the pod and has to go on pushing, once a second.
//
//   live     200 while nobody has been silent for POD_LOST_MS. A process whose loop stands still
//            aborts after 10 s and is started again a second later: who stays away for longer is
//            beyond the supervisor's help, parked or frozen, and the pod is to be started anew. Who
//            was stopped in order is not: somebody wanted that
//   startup  200 once the pod has been ready
//   ready    200 while somebody is there, nobody has stopped or been silent for POD_SILENT_MS, and
//            everybody who needs PostgreSQL reaches it
//   processes  200 always: for gateways, whose health tells who is silent, and that somebody was
//              refused at the socket of the snapshots
//
// The agent knows nobody when it starts; whoever died before that is not missed.
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

// The answer, yes or no, and as JSON with the processes it follows from. self is the agent's role:
// it does not vouch for itself.
bool pod_ask(struct pod *pod, enum pod_question question, const struct fold *fold, struct str self,
             int64_t now_ms, struct buf *json);
