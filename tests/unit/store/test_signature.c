// How a webhook proves that it is ours: the vectors of the guide and of the Standard Webhooks
// form.
#include "store/signature.h"

#include "base/attributes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(signature, gives_the_documented_sha1_vectors)
{
    static const struct {
        struct str body, key, want;
    } rows[] = {
        {STR_INIT("{\"messages\":[{\"text\":\"hi\"}]}"), STR_INIT("Secret"),
         STR_INIT("sha1=6a7a0636af8647a8178d974b847933190b0bc9e4")},
        {STR_INIT(""), STR_INIT("Secret"),
         STR_INIT("sha1=0be216f33635f37282bf6ca464a415d6b2d5b806")},
        {STR_INIT("{\"t\":\"é\"}"), STR_INIT("k"),
         STR_INIT("sha1=49d1c96ad0ab09634dd39d33913c146e90a99fc5")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf) out = {0};
        signature_hub_sha1(rows[i].key, rows[i].body, &out);
        cr_expect(str_equal(buf_str(&out), rows[i].want), "row %zu", i);
    }
}

Test(signature, gives_sha256_in_hex)
{
    AUTO(buf) out = {0};

    signature_hub_sha256(STR("Secret"), STR("{\"messages\":[{\"text\":\"hi\"}]}"), &out);

    cr_assert(
        str_equal(buf_str(&out),
                  STR("sha256=2fd71e80b0f0884d49433bbd3f9c749bec33aca6ab3ea38df990e097d30eff57")));
}

Test(signature, signs_id_timestamp_and_body_in_the_standard_form)
{
    AUTO(buf) out = {0};
    struct str secrets[] = {STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")};

    signature_standard(secrets, 1, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                       STR("{\"test\": 2432232314}"), &out);

    cr_assert(str_equal(buf_str(&out), STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")));
}

Test(signature, carries_one_signature_for_each_secret_while_one_is_replaced)
{
    AUTO(buf) both = {0};
    AUTO(buf) one = {0};
    AUTO(buf) other = {0};
    struct str secrets[] = {STR("new"), STR("old")};

    signature_standard(secrets, 2, STR("id"), 1, STR("body"), &both);
    signature_standard(&secrets[0], 1, STR("id"), 1, STR("body"), &one);
    signature_standard(&secrets[1], 1, STR("id"), 1, STR("body"), &other);
    buf_byte(&one, ' ');
    buf_str_append(&one, buf_str(&other));

    cr_assert(str_equal(buf_str(&both), buf_str(&one)));
}

Test(signature, takes_a_secret_that_is_not_base64_as_it_is)
{
    AUTO(buf) out = {0};
    struct str secrets[] = {STR("whsec_%%%")};

    signature_standard(secrets, 1, STR("id"), 1, STR("body"), &out);

    cr_assert(eq(sz, out.len, sizeof "v1," - 1 + 44));
}
