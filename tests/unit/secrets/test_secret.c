#include "secrets/secret.h"

#include "rows.h"

Test(secret, is_bound_to_contact_center_number_and_use)
{
    AUTO(buf) aad = {0};

    secret_aad(&aad, STR("578ec98e-0000-46ad-9675-000000000001"), STR("+18445551212"), "webhook");

    cr_assert(eq(str, (char *)buf_c_string(&aad),
                 "secret|578ec98e-0000-46ad-9675-000000000001|+18445551212|webhook"));
}

static const struct hex_row {
    const char *text;
    bool good;
} hex_rows[] = {
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", true},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e", false},
    {"", false},
    {"zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", false},
};

ROWS_TEST(secret, key_is_64_hex_digits, hex_rows)
{
    unsigned char key[SECRET_KEY_BYTES];
    struct err err = {0};

    bool good = secret_key_parse("NEXUS_KEY_PEPPER", str_of(row->text), key, &err);

    cr_assert(eq(int, good, row->good));
    cr_assert(good || !strstr(err.text, "zz"), "the error shows the value");
}
