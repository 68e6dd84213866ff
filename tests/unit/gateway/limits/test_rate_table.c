#include "gateway/limits/rate_table.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(rate_table, finds_the_same_bucket_for_a_number_again)
{
    struct rate_table *table = rate_table_new(64);

    for (uint64_t number = 0; number < 8; number++)
        rate_table_find(table, number * 8, 1)->missing = (double)number + 1;

    for (uint64_t number = 0; number < 8; number++)
        cr_assert(eq(dbl, rate_table_find(table, number * 8, 2)->missing, (double)number + 1));
    rate_table_free(&table);
}

Test(rate_table, forgets_the_least_recently_used_bucket)
{
    struct rate_table *table = rate_table_new(8);
    for (uint64_t number = 1; number <= 8; number++)
        rate_table_find(table, number, (int64_t)number)->missing = 1;
    rate_table_find(table, 1, 9);

    rate_table_find(table, 100, 10);

    cr_assert(eq(ptr, rate_table_seek(table, 2), NULL));
    cr_assert(ne(ptr, rate_table_seek(table, 1), NULL));
    cr_assert(eq(dbl, rate_table_find(table, 2, 11)->missing, 0));
    rate_table_free(&table);
}

Test(rate_table, does_not_create_an_entry_for_a_look_up)
{
    struct rate_table *table = rate_table_new(8);
    for (uint64_t number = 1; number <= 8; number++)
        rate_table_find(table, number, 1);

    for (uint64_t number = 100; number < 200; number++)
        cr_assert(eq(ptr, rate_table_seek(table, number), NULL));

    for (uint64_t number = 1; number <= 8; number++)
        cr_assert(ne(ptr, rate_table_seek(table, number), NULL));
    rate_table_free(&table);
}
