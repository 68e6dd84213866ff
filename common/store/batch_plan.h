// batch_plan: the deciding part of the batcher, without I/O (batcher.h tells the whole story).
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

// How many of the waiting items, oldest first, go into the next batch: at least one, at most
// rows_limit, and no more than fit bytes_limit (a first item that is larger goes alone).
size_t batch_plan_size(const uint32_t *weights, size_t count, size_t rows_limit,
                       size_t bytes_limit);

enum batch_step {
    BATCH_ANSWER,  // committed
    BATCH_SPLIT,   // run both halves
    BATCH_AGAIN,   // the same once more, after a pause
    BATCH_GIVE_UP, // every item that may give up fails with the error; the others run again
    BATCH_FAIL,    // every item fails, also those that never give up: the row itself is bad
};

// What follows from the outcome of a batch of count rows.
enum batch_step batch_plan_step(enum err_code outcome, size_t count);
