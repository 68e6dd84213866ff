// task_statement: the cold handler's common case: one statement whose first column is the answer.
#pragma once

#include "io/pg.h"
#include "service/task.h"

// Runs the statement and ends the task: with the JSON text in the first column of its first row, or
// with its error. Takes over params.
void task_answer_by(struct task *task, unsigned statement, struct pg_params *params);
