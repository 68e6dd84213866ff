// Sealed secrets: only bytes that were sealed with the key can be opened, in the new form or the old one.
#include "tests/fuzz/fuzz.h"

#include "secrets/keyring.h"

static bool one_key(void *context, struct arena *arena, struct str *text, struct err *err)
{
    (void)context, (void)arena, (void)err;
    *text = STR("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    return true;
}

FUZZ(bytes)
{
    AUTO(buf) sealed = {0};
    AUTO(buf) plain = {0};
    AUTO(buf) again = {0};
    struct err err;
    struct keyring *ring = keyring_new(one_key, NULL, &err);

    ASSERT(ring);
    (void)!keyring_check(bytes, &err);
    (void)secret_is_sealed(bytes);
    ASSERT(!keyring_open(ring, STR("place"), bytes, &plain, &err));
    ASSERT(plain.len == 0);
    ASSERT(keyring_seal(ring, STR("place"), bytes, &sealed, &err));
    ASSERT(secret_is_sealed(buf_str(&sealed)));
    ASSERT(keyring_open(ring, STR("place"), buf_str(&sealed), &plain, &err));
    ASSERT(str_equal(buf_str(&plain), bytes));
    ASSERT(keyring_rewrap(ring, STR("place"), buf_str(&sealed), &again, &err));
    ASSERT(str_equal(buf_str(&again), buf_str(&sealed)));
    keyring_free(&ring);
}
