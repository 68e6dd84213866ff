// output: writes answers, and handles output that cannot be written.
#pragma once

#include "base/buf.h"
#include "base/err.h"

// Call it before anything is done. False if the answer could not be read: a change whose result
// cannot be printed, such as a new key, must not be made.
MUST_USE bool output_open(struct err *err);
// Prints the text and empties it; false if it could not be written completely.
MUST_USE bool output_print(struct buf *text, struct err *err);

static inline const char *plural(int64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}
