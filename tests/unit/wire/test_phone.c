#include "wire/phone.h"

#include "rows.h"

static const struct phone_row {
    const char *text;
    const char *want; // NULL: refused
} phone_rows[] = {
    {"+14155550123", "+14155550123"},
    {"14155550123", "+14155550123"},
    {"1234567", "+1234567"},
    {"+1234567", "+1234567"},
    {"123456789012345", "+123456789012345"},
    {"12345", "12345"},
    {"+12345", "12345"},
    {"123456", "123456"},
    {"123", "123"},
    {"12", NULL},
    {"1234567890123456", NULL},
    {"", NULL},
    {"+", NULL},
    {"++14155550123", NULL},
    {"+1 415 555 0123", NULL},
    {"415-555-0123", NULL},
    {"(415)5550123", NULL},
    {"14155550123x", NULL},
    {"NEXUS", NULL},
    {"\xD9\xA1\xD9\xA2\xD9\xA3", NULL}, // digits, but not ASCII
};

ROWS_TEST(phone, gives_each_number_one_spelling, phone_rows)
{
    char out[PHONE_MAX];
    size_t length;

    bool good = phone_normalize(str_of(row->text), out, &length);

    cr_assert(eq(int, good, row->want != NULL), "%s", row->text);
    if (good)
        cr_assert(str_equal(str_make(out, length), str_of(row->want)), "%s", row->text);
}

ROWS_TEST(phone, leaves_a_normal_number_as_it_is, phone_rows)
{
    char out[PHONE_MAX];
    size_t length;

    if (row->want) {
        cr_assert(phone_normalize(str_of(row->want), out, &length));
        cr_assert(str_equal(str_make(out, length), str_of(row->want)));
    }
}
