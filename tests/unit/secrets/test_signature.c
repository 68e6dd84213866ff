// How a webhook proves that Nexus sent it: the vectors of the guide and of the Standard Webhooks
// form.
#include "secrets/signature.h"

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

Test(signature, uses_the_text_of_a_secret_that_is_not_base64)
{
    AUTO(buf) of_text = {0};
    AUTO(buf) of_base64 = {0};
    struct str text = STR("whsec_%%%"), base64 = STR("whsec_d2hzZWNfJSUl"); // of the whole text

    signature_standard(&text, 1, STR("id"), 1, STR("body"), &of_text);
    signature_standard(&base64, 1, STR("id"), 1, STR("body"), &of_base64);

    cr_assert(eq(str, buf_c_string(&of_text), buf_c_string(&of_base64)));
}

// ---- verification

static const struct str secrets[] = {STR_INIT("new"), STR_INIT("old")};
static const int64_t now_s = 1761000000;

// Signed with this secret in all three ways.
static struct proof proof_by(struct str secret, struct str body, struct buf texts[3])
{
    struct str secret_of_standard[] = {secret};

    signature_hub_sha1(secret, body, &texts[0]);
    signature_hub_sha256(secret, body, &texts[1]);
    signature_standard(secret_of_standard, 1, STR("msg"), now_s, body, &texts[2]);
    return (struct proof){.hub_sha1 = buf_str(&texts[0]),
                          .hub_sha256 = buf_str(&texts[1]),
                          .id = STR("msg"),
                          .timestamp = STR("1761000000"),
                          .standard = buf_str(&texts[2]),
                          .body = body,
                          .inflated = STR_ABSENT};
}

static bool holds(const struct proof *proof)
{
    return signature_holds(proof, secrets, COUNT_OF(secrets), now_s);
}

#define PROOF(name, secret, body)                                                                  \
    AUTO(buf) name##_1 = {0};                                                                      \
    AUTO(buf) name##_2 = {0};                                                                      \
    AUTO(buf) name##_3 = {0};                                                                      \
    struct buf name##_texts[3] = {name##_1, name##_2, name##_3};                                   \
    struct proof name = proof_by(STR(secret), STR(body), name##_texts);                            \
    name##_1 = name##_texts[0], name##_2 = name##_texts[1], name##_3 = name##_texts[2]

Test(signature, is_valid_with_either_secret_while_one_is_replaced)
{
    PROOF(by_new, "new", "body");
    PROOF(by_old, "old", "body");
    PROOF(by_another, "other", "body");

    cr_assert(holds(&by_new));
    cr_assert(holds(&by_old));
    cr_assert(not(holds(&by_another)));
    cr_assert(not(signature_holds(&by_old, secrets, 1, now_s)));
    cr_assert(not(signature_holds(&by_old, secrets, 0, now_s)));
}

Test(signature, every_one_in_the_request_must_be_right)
{
    PROOF(right, "new", "body");
    PROOF(wrong, "other", "body");
    struct proof mixed = right;

    mixed.hub_sha1 = wrong.hub_sha1;
    cr_assert(not(holds(&mixed)));
    mixed.hub_sha1 = STR_ABSENT;
    cr_assert(holds(&mixed));
    mixed.standard = wrong.standard;
    cr_assert(not(holds(&mixed)));
    mixed.standard = STR_ABSENT;
    cr_assert(holds(&mixed));
    mixed.hub_sha256 = STR_ABSENT;
    cr_assert(not(holds(&mixed)), "nothing is shown");
}

Test(signature, covers_the_body_and_nothing_beside_it)
{
    PROOF(proof, "new", "body");

    proof.is_partial = true;
    cr_assert(not(holds(&proof)));
    proof.is_partial = false, proof.is_cut = true;
    cr_assert(not(holds(&proof)));
    proof.is_cut = false, proof.body = STR("Body");
    cr_assert(not(holds(&proof)));
    proof.inflated = STR("body");
    cr_assert(holds(&proof), "of a compressed body either form may be signed");
}

Test(signature, of_the_standard_form_covers_id_and_time_for_five_minutes)
{
    PROOF(proof, "new", "body");

    cr_assert(signature_holds(&proof, secrets, 2, now_s + 300));
    cr_assert(signature_holds(&proof, secrets, 2, now_s - 300));
    cr_assert(not(signature_holds(&proof, secrets, 2, now_s + 301)));
    cr_assert(not(signature_holds(&proof, secrets, 2, now_s - 301)));
    proof.timestamp = STR("1761000001");
    cr_assert(not(holds(&proof)));
    proof.timestamp = STR("now");
    cr_assert(not(holds(&proof)));
    proof.timestamp = STR("1761000000"), proof.id = STR("other");
    cr_assert(not(holds(&proof)));
    proof.id = STR_ABSENT;
    cr_assert(not(holds(&proof)));
}

Test(signature, refuses_malformed_signatures)
{
    static const struct str odd[] = {
        STR_INIT(""),         STR_INIT("sha1"),        STR_INIT("sha1="), STR_INIT("sha1=00"),
        STR_INIT("sha1=xyz"), STR_INIT("sha256=0000"), STR_INIT("v1,"),   STR_INIT(" v1,AAAA v2"),
    };
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        struct proof hub = {.hub_sha1 = odd[i], .body = STR("")};
        struct proof hub_256 = {.hub_sha256 = odd[i], .body = STR("")};
        struct proof standard = {
            .standard = odd[i], .id = STR("msg"), .timestamp = STR("1761000000"), .body = STR("")};
        cr_expect(not(holds(&hub)), "row %zu", i);
        cr_expect(not(holds(&hub_256)), "row %zu", i);
        cr_expect(not(holds(&standard)), "row %zu", i);
    }
}

Test(signature, of_a_body_in_pieces_is_that_of_the_whole)
{
    struct str body = STR("a body that comes in pieces"), rest = body, one;

    for (size_t size = 1; size <= body.len; size++) {
        PROOF(proof, "new", "a body that comes in pieces");
        struct signature_check *check = signature_check_new(&proof, secrets, 2);
        for (rest = body; rest.len > 0; rest = str_skip(rest, one.len)) {
            one = str_make(rest.ptr, rest.len < size ? rest.len : size);
            signature_check_add(check, one);
        }
        cr_assert(signature_check_end(&check, &proof, now_s), "pieces of %zu", size);
        cr_assert(eq(ptr, check, NULL));
    }
}

Test(signature, of_a_body_that_lacks_its_last_piece_is_invalid)
{
    PROOF(proof, "new", "a body that comes in pieces");
    struct signature_check *check = signature_check_new(&proof, secrets, 2);

    signature_check_add(check, STR("a body that comes in "));
    cr_assert(not(signature_check_end(&check, &proof, now_s)));
    check = signature_check_new(&proof, secrets, 2);
    signature_check_free(&check); // the caller does not need the result any more
    cr_assert(eq(ptr, check, NULL));
}
