// task_statement: the cold handler's one statement. If the request came with an Idempotency-Key,
// key and answer are stored in the statement's transaction, and a repetition gets the stored
// answer; the handler does nothing for it. This needs one rule: the first column of the first row
// is the answer's JSON text (or NULL if nothing is to be stored).
#pragma once

#include "io/pg/pg.h"
#include "service/tasks/task.h"

// Ends the task with a document as PostgreSQL writes it, without the blanks between its tokens.
void task_reply_json(struct task *task, struct str json);
// Runs the statement that the parameters were bound for (store/statements.h) and ends the task:
// with the answer, or with the error. Takes over params.
void task_answer_by(struct task *task, struct pg_params *params);

// The same if the answer is made from the first column each time, perhaps with a secret that no
// table may contain in plain text: the secret is sealed in task->idempotency.secret and stored
// beside the column.
void task_render_by(struct task *task, struct pg_params *params, task_render_fn *render);

// For a handler that has more to do once it is committed: as pg_call(), with the task for context.
// done must end the task: with task_fail() on an error, whatever it is, or else with task_reply()
// and the first column.
void task_call(struct task *task, struct pg_params *params, pg_done_fn *done);
