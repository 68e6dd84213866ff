#include "nexusctl/table.h"

#include "rows.h"

Test(table, aligns_text_to_the_left_and_numbers_to_the_right)
{
    struct table table = {.columns = 3};
    AUTO(buf) out = {0};

    table_cell(&table, STR("WHO"));
    table_cell(&table, STR("COUNT"));
    table_cell(&table, STR("WHAT"));
    table_cell(&table, STR("é"));
    table_number(&table, 7);
    table_cell(&table, STR_ABSENT);
    table_print(&table, &out);

    cr_assert(eq(str, (char *)buf_c_string(&out), "WHO  COUNT  WHAT\né        7  -\n"));
}

Test(table, shows_moments_in_one_form_to_the_millisecond)
{
    struct table table = {.columns = 1};
    AUTO(buf) out = {0};

    table_time(&table, STR("2026-11-28T09:19:52.115645+00:00"));
    table_time(&table, STR("2026-11-28T09:19:52.1+00:00"));
    table_time(&table, STR("2026-11-28T09:19:52+00:00"));
    table_time(&table, STR_ABSENT);
    table_print(&table, &out);

    cr_assert(eq(str, (char *)buf_c_string(&out),
                 "2026-11-28T09:19:52.115Z\n2026-11-28T09:19:52.100Z\n"
                 "2026-11-28T09:19:52.000Z\n-\n"));
}
