// networks: private address ranges that the webhooks of one contact center may reach.
#include "io/tcp/address.h"
#include "nexusctl/commands.h"
#include "provisioning/rules.h"

enum { TENANT };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .rule = uuid_check,
                .doc = "The contact center; list shows those of all without it."},
};

static const struct column columns[] = {
    {"CCID", "ccid", NULL},
    {"NETWORK", "range", NULL},
    {"GRANTED", "granted", NULL},
};
static const struct listing list = {"networks", columns, COUNT_OF(columns)};

static bool networks_list(struct call *call, struct err *err)
{
    struct str tenant = option_text(call, TENANT);

    return call_list(call, STATEMENT_NETWORK_LIST, &tenant, 1, &list, err);
}

static bool change(struct call *call, enum statement statement, struct str *range,
                   const struct json_view **answer, struct err *err)
{
    char canonical[ADDRESS_GRANT_TEXT];

    if (call->argument_count != 1 || !option_given(call, TENANT))
        return usage_set(call, err, "no network is named: give RANGE --tenant CCID");
    if (!address_grant_read(call->arguments[0], canonical, err))
        return usage_in(call, "RANGE", err);
    *range = arena_copy(call->arena, str_of(canonical));
    const struct str parameters[] = {option_text(call, TENANT), *range};
    return call_answer(call, statement, parameters, COUNT_OF(parameters), answer, err);
}

static bool networks_grant(struct call *call, struct err *err)
{
    const struct json_view *answer;
    struct str range;

    if (!change(call, STATEMENT_NETWORK_GRANT, &range, &answer, err))
        return false;
    if (!call->json)
        buf_printf(&call->out, "%.*s %s\n", STR_ARG(range),
                   json_is_true(json_member(answer, "granted")) ? "is granted"
                                                                : "was granted before");
    return true;
}

static bool networks_revoke(struct call *call, struct err *err)
{
    const struct json_view *answer;
    struct str range;

    if (!change(call, STATEMENT_NETWORK_REVOKE, &range, &answer, err))
        return false;
    if (!call->json)
        buf_printf(&call->out, "%.*s is revoked\n", STR_ARG(range));
    return true;
}

static const struct verb verbs[] = {
    {"list", "the networks that were granted", networks_list, 0},
    {"grant", "let the webhooks of a contact center reach a network", networks_grant, 1},
    {"revoke", "no longer let them reach it", networks_revoke, 1},
};

const struct command networks_command = {
    .name = "networks",
    .summary = "private networks that the webhooks of a contact center may reach",
    .usage = "[list [--tenant CCID] | grant RANGE --tenant CCID | revoke RANGE --tenant CCID] "
             "[--json]",
    .manual =
        "Webhooks reach the public internet only. A grant names a private range that the\n"
        "webhooks of one contact center may reach too: address/bits, or address/bits:port for\n"
        "one port alone (10.1.0.0/16:8443, fd00:1::/32:443). A contact center has at most 64.\n"
        "Its own administrators can grant nothing. The address is checked when a connection is\n"
        "opened and before each request; a change takes effect within seconds. Messages that\n"
        "failed with forbidden_address can be sent again by replay. Each change is in the audit\n"
        "log.",
    .examples =
        "  nexusctl networks grant 10.1.0.0/16:8443 --tenant 578ec98e-0000-46ad-9675-000000000001\n"
        "  nexusctl networks list\n"
        "  nexusctl networks revoke 10.1.0.0/16:8443 --tenant "
        "578ec98e-0000-46ad-9675-000000000001",
    .options = options,
    .option_count = COUNT_OF(options),
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
};
