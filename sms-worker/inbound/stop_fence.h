// stop_fence: an MO that may have said STOP is answered when no request to its person can begin any
// more (permit.h). It is stored and committed already; only its answer waits, at most PERMIT_FENCE_MS
// beside one statement. A repetition of it waits in the same way: the first answer may be lost.
//
//   struct stop_fence *fence = NULL;
//   stop_fence_add(&fence, service, task, id, answer);    for each such MO of a batch, after its COMMIT
//   stop_fence_raise(&fence);                             nothing where there was none
#pragma once

#include "base/id.h"
#include "base/str.h"

struct service;
struct stop_fence;
struct task;

// id: of the message, or of the part of one.
void stop_fence_add(struct stop_fence **fence, struct service *service, struct task *task,
                    struct id id, struct str answer);
void stop_fence_raise(struct stop_fence **fence);
