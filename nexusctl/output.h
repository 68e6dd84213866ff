// output: where answers leave, and what is done where they cannot.
#pragma once

#include "base/buf.h"
#include "base/err.h"

// To be called before anything is done. False where nobody could read the answer: what cannot be told, a new key for
// instance, is better not done.
MUST_USE bool output_open(struct err *err);
// Prints the text and empties it; false where it could not be written as a whole.
MUST_USE bool output_print(struct buf *text, struct err *err);

static inline const char *plural(int64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}
