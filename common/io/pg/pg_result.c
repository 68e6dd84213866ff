// pg_result: reading values out of a libpq result in binary format.
#include "io/pg/pg_result.h"

#include "base/panic.h"

#include <endian.h>

size_t pg_rows(const struct pg_result *result)
{
    return (size_t)PQntuples(result->rows);
}

bool pg_is_null(const struct pg_result *result, size_t row, int column)
{
    return PQgetisnull(result->rows, (int)row, column);
}

// Copies the value's bytes; false for NULL. Another length means that the caller mistakes the type
// of the column, which is a defect.
static bool value_copy(const struct pg_result *result, size_t row, int column, void *out,
                       size_t length)
{
    if (pg_is_null(result, row, column))
        return false;
    ASSERT((size_t)PQgetlength(result->rows, (int)row, column) == length);
    memcpy(out, PQgetvalue(result->rows, (int)row, column), length);
    return true;
}

bool pg_get_bool(const struct pg_result *result, size_t row, int column)
{
    char value = 0;
    return value_copy(result, row, column, &value, sizeof value) && value != 0;
}

int16_t pg_get_int2(const struct pg_result *result, size_t row, int column)
{
    uint16_t value = 0;
    value_copy(result, row, column, &value, sizeof value);
    return (int16_t)be16toh(value);
}

int32_t pg_get_int4(const struct pg_result *result, size_t row, int column)
{
    uint32_t value = 0;
    value_copy(result, row, column, &value, sizeof value);
    return (int32_t)be32toh(value);
}

int64_t pg_get_int8(const struct pg_result *result, size_t row, int column)
{
    uint64_t value = 0;
    value_copy(result, row, column, &value, sizeof value);
    return (int64_t)be64toh(value);
}

struct str pg_get_text(const struct pg_result *result, size_t row, int column)
{
    if (pg_is_null(result, row, column))
        return STR_ABSENT;
    return str_make(PQgetvalue(result->rows, (int)row, column),
                    (size_t)PQgetlength(result->rows, (int)row, column));
}

struct id pg_get_id(const struct pg_result *result, size_t row, int column)
{
    struct id id = {0};
    value_copy(result, row, column, id.bytes, sizeof id.bytes);
    return id;
}
