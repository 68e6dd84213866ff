// new_key: the value of an API key that a request creates. No table holds it in clear, but a
// repetition of the request under its Idempotency-Key gets the same answer with the value: it is
// sealed and stored beside the stored answer, as long as that is kept.
#pragma once

#include "service/tasks/task.h"

// Makes a key and, where the request came with an Idempotency-Key, seals it for the answer.
MUST_USE bool new_key_make(struct task *task, struct err *err);
// Its text, in the arena.
struct str new_key_text(struct task *task);
// The same when the answer is made, for the first request or a repetition.
MUST_USE bool new_key_shown(struct task *task, struct str *text, struct err *err);
