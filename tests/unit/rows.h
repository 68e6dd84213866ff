// rows: a table of cases, each of which is a test.
//
//   static const struct number_row {…} number_rows[] = { … };
//   ROWS_TEST(str, reads_whole_numbers, number_rows)
//   {
//       cr_assert(eq(…, row->want));
//   }
//
// Criterion runs each test in its own process, where pointers inside a parameter may be invalid. So the
// parameter is the row's number.
#pragma once

#include "base/attributes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#define ROWS_TEST(suite, name, rows)                                                               \
    static void suite##_##name(const __typeof__((rows)[0]) *row);                                  \
    ParameterizedTestParameters(suite, name)                                                       \
    {                                                                                              \
        static size_t numbers[COUNT_OF(rows)];                                                     \
        for (size_t i = 0; i < COUNT_OF(rows); i++)                                                \
            numbers[i] = i;                                                                        \
        return cr_make_param_array(size_t, numbers, COUNT_OF(rows));                               \
    }                                                                                              \
    ParameterizedTest(size_t *number, suite, name)                                                 \
    {                                                                                              \
        suite##_##name(&(rows)[*number]);                                                          \
    }                                                                                              \
    static void suite##_##name(const __typeof__((rows)[0]) *row)
