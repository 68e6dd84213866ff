// batch_plan: the decisions of the batcher, without I/O (batcher.h explains them).
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// May another batch start while in_flight are in flight? The first one always, even for one item; a
// further one only if it is large enough for a commit of its own.
bool batch_plan_start(size_t waiting, size_t in_flight, size_t lanes, size_t rows_limit);

// Does an item of this many bytes fit into a batch that already holds rows and bytes? The first
// always does.
bool batch_plan_fits(size_t rows, size_t bytes, size_t item_bytes, size_t rows_limit,
                     size_t bytes_limit);

enum batch_step {
    BATCH_ANSWER,  // committed
    BATCH_SPLIT,   // run both halves
    BATCH_PART,    // run the items of each key by themselves
    BATCH_AGAIN,   // the same once more, after a pause
    BATCH_GIVE_UP, // every item that may give up fails with the error; the others run again
    BATCH_FAIL,    // every item fails, also those that never give up: the row itself is bad
};

// What to do after the outcome of a batch of count rows, all of one key or of several.
enum batch_step batch_plan_step(enum err_code outcome, size_t count, bool one_key);
