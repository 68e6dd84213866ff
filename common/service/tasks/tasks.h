// tasks: from a request on the bus to the handler the program's table names, and back. Handlers see
// service/tasks/task.h.
#pragma once

#include "base/str.h"
#include "service/service.h"
#include "wire/msgpack/envelope.h"

struct bus_origin;
struct tasks;

struct tasks *tasks_new(struct service *service, const struct service_def *def);
// Waiting batches fail with ERR_UNAVAILABLE; no new request is accepted.
void tasks_stop(struct tasks *tasks);
void tasks_free(struct tasks **tasks);
size_t tasks_held(const struct tasks *tasks); // taken and not ended
void tasks_take(struct tasks *tasks, struct bus_origin *origin, const struct envelope *envelope,
                struct str payload);
