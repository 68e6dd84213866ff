#include "gateway/rate_table.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(rate_table, finds_each_number_the_same_bucket_again)
{
    struct rate_table *table = rate_table_new(64);

    for (uint64_t number = 0; number < 8; number++)
        rate_table_find(table, number * 8, 1)->missing = (double)number + 1;

    for (uint64_t number = 0; number < 8; number++)
        cr_assert(eq(dbl, rate_table_find(table, number * 8, 2)->missing, (double)number + 1));
    rate_table_free(&table);
}

Test(rate_table, forgets_the_one_not_looked_at_for_longest)
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

Test(rate_table, makes_no_room_for_what_is_only_sought)
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
