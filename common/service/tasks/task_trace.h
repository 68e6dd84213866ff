// task_trace: the spans of tasks: pg.commit, from the moment a task's statement is sent to its
// answer.
#pragma once

#include "base/err.h"
#include "service/tasks/task.h"

void task_trace_begin(struct task *task);
void task_trace_end(const struct task *task, enum err_code code);
