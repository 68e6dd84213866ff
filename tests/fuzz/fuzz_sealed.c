// Sealed secrets: no bytes that we did not seal ourselves open.
#include "fuzz.h"

#include "io/crypto.h"

FUZZ(bytes)
{
    static const unsigned char key[32] = {7};
    AUTO(buf) sealed = {0};
    AUTO(buf) plain = {0};
    struct err err;

    ASSERT(!crypto_unseal(key, STR("place"), bytes, &plain, &err));
    ASSERT(plain.len == 0);
    crypto_seal(key, STR("place"), bytes, &sealed);
    ASSERT(crypto_unseal(key, STR("place"), buf_str(&sealed), &plain, &err));
    ASSERT(str_equal(buf_str(&plain), bytes));
}
