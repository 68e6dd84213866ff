#include "base/id.h"

#include "base/clock.h"
#include "base/random.h"
#include "rows.h"

Test(id, text_reads_back_as_the_same_id)
{
    for (int i = 0; i < 200; i++) {
        struct id id = id_new(), back;
        char text[ID_TEXT_LENGTH + 1];

        id_text(id, text);

        cr_assert(id_parse(str_of(text), &back));
        cr_assert(id_equal(id, back));
    }
}

Test(id, new_ids_are_version_7_and_carry_the_time)
{
    int64_t before_ms = clock_unix_us() / 1000, ms = 0;
    struct id id = id_new();

    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id.bytes[i];

    cr_assert(eq(int, id.bytes[6] >> 4, 7));
    cr_assert(eq(int, id.bytes[8] >> 6, 2));
    cr_assert(le(i64, ms, clock_unix_us() / 1000));
    cr_assert(ge(i64, ms, before_ms));
}

static const struct id_row {
    const char *text;
    bool good;
} id_rows[] = {
    {"0b0f4f0e-53a5-4a6c-9d83-2a3f0e4c7f10", true},
    {"0B0F4F0E-53A5-4A6C-9D83-2A3F0E4C7F10", true},
    {"00000000-0000-0000-0000-000000000000", true},
    {"", false},
    {"0b0f4f0e53a54a6c9d832a3f0e4c7f10", false},
    {"0b0f4f0e-53a5-4a6c-9d83-2a3f0e4c7f1", false},
    {"0b0f4f0e-53a5-4a6c-9d83-2a3f0e4c7f100", false},
    {"0b0f4f0e-53a5-4a6c-9d83-2a3f0e4c7f1g", false},
    {"0b0f4f0e-53a5-4a6c-9d832-a3f0e4c7f10", false},
    {"{b0f4f0e-53a5-4a6c-9d83-2a3f0e4c7f1}", false},
};

ROWS_TEST(id, accepts_only_the_form_of_36_characters, id_rows)
{
    struct id id;

    cr_assert(eq(int, id_parse(str_of(row->text), &id), row->good), "%s", row->text);
}

Test(id, none_is_null_in_json)
{
    AUTO(buf) out = {0};

    json_open(&out, '{');
    json_key_id(&out, "id", (struct id){0});
    json_close(&out, '}');

    cr_assert(str_equal(buf_str(&out), STR("{\"id\":null}")));
}

Test(random, the_same_seed_gives_the_same_numbers)
{
    struct random random = {.state = 1234567};

    cr_assert(eq(u64, random_next(&random), 6457827717110365317U));
    cr_assert(eq(u64, random_next(&random), 3203168211198807973U));
}

Test(random, stays_below_its_bound)
{
    struct random random = {.state = 3};

    for (int i = 0; i < 10000; i++) {
        cr_assert(lt(u64, random_below(&random, 7), 7));
        double unit = random_unit(&random);
        cr_assert(all(ge(dbl, unit, 0.0), lt(dbl, unit, 1.0)));
    }
}
