// batch_plan: see the header.
#include "store/batch_plan.h"

size_t batch_plan_size(const uint32_t *weights, size_t count, size_t rows_limit, size_t bytes_limit)
{
    size_t rows = 0, bytes = 0;

    while (rows < count && rows < rows_limit && (rows == 0 || bytes + weights[rows] <= bytes_limit))
        bytes += weights[rows++];
    return rows;
}

enum batch_step batch_plan_step(enum err_code outcome, size_t count)
{
    if (outcome == ERR_OK)
        return BATCH_ANSWER;
    if (outcome == ERR_CONCURRENT || outcome == ERR_UNKNOWN_OUTCOME)
        return BATCH_AGAIN;
    if (outcome == ERR_UNAVAILABLE || outcome == ERR_BUSY)
        return BATCH_GIVE_UP;
    // Some row is bad, or our SQL trips over some row: find it, so that it fails alone.
    return count > 1 ? BATCH_SPLIT : BATCH_FAIL;
}
