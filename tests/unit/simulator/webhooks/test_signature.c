// Which webhooks the simulated receiver accepts.
#include "simulator/webhooks/signature.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { NOW_S = 1700000000 };

// The guide's secret and body; the other two computed with OpenSSL's command.
static const struct signed_webhook good = {
    .body = STR_INIT("{\"messages\":[{\"text\":\"hi\"}]}"),
    .hub = STR_INIT("sha1=6a7a0636af8647a8178d974b847933190b0bc9e4"),
    .hub_256 = STR_INIT("sha256=2fd71e80b0f0884d49433bbd3f9c749bec33aca6ab3ea38df990e097d30eff57"),
    .webhook_id = STR_INIT("msg_1"),
    .webhook_timestamp = STR_INIT("1700000000"),
    .webhook_signature = STR_INIT("v1,b3RoZXI= v1,ANMP6pu+z/xS717wGT+EeXjSK83yotSM/yQQbPLdjs4="),
};

static bool is_good(struct signed_webhook webhook, int64_t now_s)
{
    return signature_is_good(&webhook, STR("Secret"), now_s);
}

Test(signature, accepts_all_three_schemes_and_one_match_of_a_list)
{
    cr_expect(is_good(good, NOW_S));
}

Test(signature, needs_no_more_than_the_guides_header)
{
    struct signed_webhook only_hub = {.body = good.body, .hub = good.hub};

    cr_expect(is_good(only_hub, NOW_S));
}

Test(signature, refuses_a_webhook_without_the_guides_header)
{
    struct signed_webhook without = good;
    without.hub = STR_ABSENT;

    cr_expect(not(is_good(without, NOW_S)));
}

Test(signature, refuses_when_any_scheme_that_is_present_is_wrong)
{
    struct signed_webhook wrong_body = good, wrong_256 = good, wrong_standard = good;
    wrong_body.body = STR("{\"messages\":[{\"text\":\"ho\"}]}");
    wrong_256.hub_256 = STR("sha256=00");
    wrong_standard.webhook_id = STR("msg_2");

    cr_expect(not(is_good(wrong_body, NOW_S)));
    cr_expect(not(is_good(wrong_256, NOW_S)));
    cr_expect(not(is_good(wrong_standard, NOW_S)));
    cr_expect(not(signature_is_good(&good, STR("secret"), NOW_S)));
}

Test(signature, refuses_timestamps_more_than_five_minutes_off)
{
    cr_expect(is_good(good, NOW_S + 300));
    cr_expect(not(is_good(good, NOW_S + 301)));
    cr_expect(not(is_good(good, NOW_S - 301)));
}
