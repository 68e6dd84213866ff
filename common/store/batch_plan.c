// batch_plan: see the header.
#include "store/batch_plan.h"

bool batch_plan_start(size_t waiting, size_t in_flight, size_t lanes, size_t rows_limit)
{
    return waiting > 0 && (in_flight == 0 || (in_flight < lanes && waiting >= rows_limit / 2));
}

bool batch_plan_fits(size_t rows, size_t bytes, size_t item_bytes, size_t rows_limit,
                     size_t bytes_limit)
{
    return rows == 0 || (rows < rows_limit && bytes + item_bytes <= bytes_limit);
}

enum batch_step batch_plan_step(enum err_code outcome, size_t count, bool one_key)
{
    if (outcome == ERR_OK)
        return BATCH_ANSWER;
    if (outcome == ERR_CONCURRENT || outcome == ERR_UNKNOWN_OUTCOME)
        return BATCH_AGAIN;
    if (outcome == ERR_LOCKED)
        return one_key ? BATCH_AGAIN : BATCH_PART;
    if (outcome == ERR_UNAVAILABLE || outcome == ERR_BUSY)
        return BATCH_GIVE_UP;
    // Some row is bad, or our SQL fails for some row: find it, so that it fails alone.
    return count > 1 ? BATCH_SPLIT : BATCH_FAIL;
}
