// new_key: the value of an API key that a request makes. It stands in no table, and yet whoever
// repeats the request under its Idempotency-Key gets the same answer, value and all: it is kept
// sealed beside the stored answer, for as long as that is kept.
#pragma once

#include "service/task.h"

// Makes a key and, where the request came with an Idempotency-Key, seals it for the answer.
MUST_USE bool new_key_make(struct task *task, struct err *err);
// Its text, in the arena.
struct str new_key_text(struct task *task);
// The same while the answer is made: of the first request, or of a repetition.
MUST_USE bool new_key_shown(struct task *task, struct str *text, struct err *err);
