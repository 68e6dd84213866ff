// crypto gives the published results, and secrets can be opened only where they were sealed.
#include "crypto/crypto.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const unsigned char key[32] = {1, 2, 3};

static void assert_hex(const unsigned char *digest, size_t count, const char *want)
{
    AUTO(buf) hex = {0};
    buf_hex(&hex, str_make(digest, count));
    cr_assert(eq(str, (char *)(uintptr_t)buf_c_string(&hex), (char *)(uintptr_t)want));
}

Test(crypto, gives_the_hmac_sha1_of_the_documented_vectors)
{
    unsigned char digest[SHA1_BYTES];

    crypto_hmac_sha1(STR("Secret"), STR("{\"messages\":[{\"text\":\"hi\"}]}"), digest);
    assert_hex(digest, sizeof digest, "6a7a0636af8647a8178d974b847933190b0bc9e4");
    crypto_hmac_sha1(STR("Secret"), STR(""), digest);
    assert_hex(digest, sizeof digest, "0be216f33635f37282bf6ca464a415d6b2d5b806");
    crypto_hmac_sha1(STR("k"), STR("{\"t\":\"é\"}"), digest);
    assert_hex(digest, sizeof digest, "49d1c96ad0ab09634dd39d33913c146e90a99fc5");
}

Test(crypto, gives_the_hmac_sha256_of_rfc_4231)
{
    unsigned char digest[SHA256_BYTES];

    crypto_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), digest);

    assert_hex(digest, sizeof digest,
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

Test(crypto, accepts_an_empty_key)
{
    unsigned char digest[SHA256_BYTES];

    crypto_hmac_sha256(STR("other"), STR("x"), digest);
    crypto_hmac_sha256(STR_ABSENT, STR(""), digest);

    assert_hex(digest, sizeof digest,
               "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

Test(crypto, makes_the_same_id_only_from_the_same_parts)
{
    struct str parts[] = {STR("ab"), STR("c")};
    struct str cut_elsewhere[] = {STR("a"), STR("bc")};

    struct id id = crypto_id_of(parts, 2);

    cr_assert(id_equal(id, crypto_id_of(parts, 2)));
    cr_assert(not(id_equal(id, crypto_id_of(cut_elsewhere, 2))));
    cr_assert(eq(int, id.bytes[6] >> 4, 8));
    cr_assert(eq(int, id.bytes[8] >> 6, 2));
}

Test(crypto, opens_what_it_sealed)
{
    AUTO(buf) sealed = {0};
    AUTO(buf) plain = {0};

    crypto_aead_seal(key, STR("destination|secrets|1|7"), STR("whsec"), &sealed);

    cr_assert(eq(sz, sealed.len, STR("whsec").len + CRYPTO_SEAL_BYTES));
    cr_assert(crypto_aead_open(key, STR("destination|secrets|1|7"), buf_str(&sealed), &plain));
    cr_assert(str_equal(buf_str(&plain), STR("whsec")));
}

Test(crypto, seals_the_same_text_differently_each_time)
{
    AUTO(buf) one = {0};
    AUTO(buf) two = {0};

    crypto_aead_seal(key, STR("a"), STR("same"), &one);
    crypto_aead_seal(key, STR("a"), STR("same"), &two);

    cr_assert(not(str_equal(buf_str(&one), buf_str(&two))));
}

Test(crypto, refuses_a_secret_that_was_moved_changed_or_cut)
{
    AUTO(buf) sealed = {0};
    AUTO(buf) plain = {0};
    crypto_aead_seal(key, STR("row 1"), STR("whsec"), &sealed);

    cr_assert(not(crypto_aead_open(key, STR("row 2"), buf_str(&sealed), &plain)));
    cr_assert(
        not(crypto_aead_open(key, STR("row 1"), str_make(sealed.data, sealed.len - 4), &plain)));
    cr_assert(not(crypto_aead_open(key, STR("row 1"), STR(""), &plain)));
    sealed.data[sealed.len - 6] ^= 1;
    cr_assert(not(crypto_aead_open(key, STR("row 1"), buf_str(&sealed), &plain)));
    cr_assert(eq(sz, plain.len, 0));
}

Test(crypto, compares_texts_of_different_lengths_as_different)
{
    cr_assert(crypto_equal(STR("abc"), STR("abc")));
    cr_assert(not(crypto_equal(STR("abc"), STR("abd"))));
    cr_assert(not(crypto_equal(STR("abc"), STR("abcd"))));
    cr_assert(crypto_equal(STR(""), STR_ABSENT));
}
