#include "store/signature.h"

#include "rows.h"

// The vectors of api.md 3.2.
static const struct vector_row {
    struct str body, secret;
    const char *want;
} vector_rows[] = {
    {STR_INIT("{\"messages\":[{\"text\":\"hi\"}]}"), STR_INIT("Secret"),
     "sha1=6a7a0636af8647a8178d974b847933190b0bc9e4"},
    {STR_INIT(""), STR_INIT("Secret"), "sha1=0be216f33635f37282bf6ca464a415d6b2d5b806"},
    {STR_INIT("{\"t\":\"\xC3\xA9\"}"), STR_INIT("k"),
     "sha1=49d1c96ad0ab09634dd39d33913c146e90a99fc5"},
};

ROWS_TEST(signature, is_hmac_sha1_of_the_exact_bytes, vector_rows)
{
    AUTO(buf) out = {0};

    signature_sha1(&out, row->secret, row->body);

    cr_assert(eq(str, (char *)buf_c_string(&out), (char *)row->want));
}

// The example of the Standard Webhooks libraries.
Test(signature, follows_standard_webhooks_for_a_secret_in_base64)
{
    AUTO(buf) out = {0};

    signature_standard(&out, STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                       STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), STR("1614265330"),
                       STR("{\"test\": 2432232314}"));

    cr_assert(
        eq(str, (char *)buf_c_string(&out), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

Test(signature, takes_any_other_secret_as_its_bytes)
{
    AUTO(buf) plain = {0};
    AUTO(buf) broken = {0};

    signature_standard(&plain, STR("whsec_%%"), STR("id"), STR("1"), STR("{}"));
    signature_standard(&broken, STR("Secret"), STR("id"), STR("1"), STR("{}"));

    cr_assert(not(str_equal(buf_str(&plain), buf_str(&broken))));
}
