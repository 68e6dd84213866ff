#include "secrets/keyring.h"

#include "crypto/crypto.h"
#include "rows.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

static const char *lines; // the present value of the setting
static struct keyring *ring;
static struct buf sealed, plain;
static struct err err;

static bool lines_read(void *context, struct arena *arena, struct str *text, struct err *fault)
{
    (void)context, (void)arena, (void)fault;
    *text = str_of(lines);
    return true;
}

static void set_up(void)
{
    lines = KEY_A;
    ring = keyring_new(lines_read, NULL, &err);
    cr_assert(ne(ptr, ring, NULL));
}

static void tear_down(void)
{
    keyring_free(&ring);
    buf_release(&sealed);
    buf_release(&plain);
}

TestSuite(keyring, .init = set_up, .fini = tear_down);

static void seal(const char *secret)
{
    cr_assert(keyring_seal(ring, STR("place"), str_of(secret), &sealed, &err), "%s", err.text);
}

static bool opens(struct str text)
{
    buf_clear(&plain);
    return keyring_open(ring, STR("place"), text, &plain, &err);
}

Test(keyring, opens_only_secrets_in_their_own_place)
{
    seal("whsec");

    cr_assert(opens(buf_str(&sealed)));
    cr_assert(str_equal(buf_str(&plain), STR("whsec")));
    buf_clear(&plain);
    cr_assert(not(keyring_open(ring, STR("elsewhere"), buf_str(&sealed), &plain, &err)));
    cr_assert(eq(sz, plain.len, 0));
}

Test(keyring, distinguishes_a_sealed_secret_from_one_in_clear_text)
{
    seal("whsec");

    cr_assert(secret_is_sealed(buf_str(&sealed)));
    cr_assert(not(secret_is_sealed(STR("whsec"))));
    cr_assert(not(secret_is_sealed(STR("v2|looks|like|one"))));
    cr_assert(not(secret_is_sealed(STR(""))));
}

Test(keyring, a_new_first_key_seals_while_the_old_one_still_opens)
{
    AUTO(buf) later = {0};
    seal("old");

    lines = KEY_B "\n" KEY_A "\n";
    cr_assert(keyring_seal(ring, STR("place"), STR("new"), &later, &err));

    cr_assert(opens(buf_str(&sealed)));
    lines = KEY_B;
    cr_assert(keyring_reload(ring, &err));
    cr_assert(opens(buf_str(&later)));
    cr_assert(not(opens(buf_str(&sealed))));
}

Test(keyring, reads_its_keys_again_when_a_secret_names_one_it_lacks)
{
    seal("whsec");
    lines = KEY_B;
    cr_assert(keyring_reload(ring, &err));
    cr_assert(not(opens(buf_str(&sealed))));

    lines = KEY_B "\n" KEY_A;

    cr_assert(opens(buf_str(&sealed)));
}

Test(keyring, wraps_a_data_key_again_without_opening_the_secret)
{
    AUTO(buf) moved = {0};
    AUTO(buf) again = {0};
    seal("whsec");
    lines = KEY_B "\n" KEY_A;

    // The secret could not be opened with this aad, so the aad is not used.
    cr_assert(keyring_rewrap(ring, STR("?"), buf_str(&sealed), &moved, &err), "%s", err.text);
    cr_assert(keyring_rewrap(ring, STR("?"), buf_str(&moved), &again, &err), "%s", err.text);

    cr_assert(not(str_equal(buf_str(&moved), buf_str(&sealed))));
    cr_assert(str_equal(buf_str(&again), buf_str(&moved)));
    lines = KEY_B;
    cr_assert(keyring_reload(ring, &err));
    cr_assert(opens(buf_str(&moved)));
    cr_assert(str_equal(buf_str(&plain), STR("whsec")));
}

// Sealed directly under a key-encryption key, as before there were data keys.
static void seal_old(const char *secret)
{
    AUTO(buf) key = {0};
    AUTO(buf) bytes = {0};

    cr_assert(buf_unhex(&key, STR(KEY_A)));
    crypto_aead_seal((const unsigned char *)key.data, STR("place"), str_of(secret), &bytes);
    buf_str_append(&sealed, STR("v1|"));
    buf_base64(&sealed, str_make(bytes.data, 12));
    buf_byte(&sealed, '|');
    buf_base64(&sealed, str_skip(buf_str(&bytes), 12));
}

Test(keyring, opens_the_old_form_and_converts_it_to_the_new_form)
{
    AUTO(buf) moved = {0};
    seal_old("whsec");
    lines = KEY_B "\n" KEY_A;

    cr_assert(opens(buf_str(&sealed)));
    cr_assert(str_equal(buf_str(&plain), STR("whsec")));
    cr_assert(keyring_rewrap(ring, STR("place"), buf_str(&sealed), &moved, &err), "%s", err.text);

    cr_assert(str_starts(buf_str(&moved), STR("v2|")));
    cr_assert(opens(buf_str(&moved)));
}

Test(keyring, seals_secrets_that_were_stored_in_clear_text)
{
    AUTO(buf) replacement = {0};

    cr_assert(keyring_adopt(ring, STR("place"), STR("clear"), &plain, &replacement, &err));
    cr_assert(str_equal(buf_str(&plain), STR("clear")));
    cr_assert(opens(buf_str(&replacement)));

    buf_str_append(&sealed, buf_str(&replacement));
    buf_clear(&replacement);
    buf_clear(&plain);
    cr_assert(keyring_adopt(ring, STR("place"), buf_str(&sealed), &plain, &replacement, &err));
    cr_assert(str_equal(buf_str(&plain), STR("clear")));
    cr_assert(eq(sz, replacement.len, 0));
}

Test(keyring, seals_nothing_without_a_key)
{
    lines = "";
    cr_assert(keyring_reload(ring, &err));

    cr_assert(not(keyring_seal(ring, STR("place"), STR("whsec"), &sealed, &err)));

    cr_assert(eq(int, err.code, ERR_UNAVAILABLE));
    cr_assert(eq(sz, sealed.len, 0));
}

static const struct lines_row {
    const char *text;
    bool good;
} lines_rows[] = {
    {KEY_A, true},       {KEY_A "\n", true},   {KEY_A "\n\n" KEY_B, true}, {"", true},
    {"zz" KEY_A, false}, {KEY_A KEY_B, false}, {KEY_A "\n12", false},
};

ROWS_TEST(keyring, has_one_key_in_each_line, lines_rows)
{
    cr_assert(eq(int, keyring_check(str_of(row->text), &err), row->good));
    cr_assert(row->good || !strstr(err.text, "0102"), "the error shows a key");
}
