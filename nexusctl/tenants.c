// tenants: which contact centers there are, and the end of one.
#include "nexusctl/commands.h"
#include "nexusctl/tenant_delete.h"

static const struct option options[TENANTS_OPTIONS] = {
    [TENANTS_YES] = {"--yes", NULL, NULL, .verb = "delete",
                     .doc = "do it; without it, only count."},
    [TENANTS_FORCE] = {"--force", NULL, NULL, .verb = "delete",
                       .doc = "also while numbers can receive texts."},
};

static struct str state_text(const struct json_view *tenant, struct arena *arena)
{
    (void)arena;
    return str_present(json_text(json_member(tenant, "deleting"))) ? STR("being deleted")
                                                                   : STR("in use");
}

static const struct column columns[] = {
    {"CCID", "ccid", NULL}, {"NAME", "name", NULL},       {"NUMBERS", "numbers", NULL},
    {"KEYS", "keys", NULL}, {"CREATED", "created", NULL}, {"STATE", NULL, state_text},
};
static const struct listing list = {"tenants", columns, COUNT_OF(columns)};

static bool tenants_list(struct call *call, struct err *err)
{
    return call_list(call, STATEMENT_OPERATOR_TENANTS, NULL, 0, &list, err);
}

static const struct verb verbs[] = {
    {"list", "all contact centers, with how many numbers and keys they have", tenants_list, 0},
    {"delete", "delete a contact center and all that is its own, for good", tenants_delete, 1},
};

const struct command tenants_command = {
    .name = "tenants",
    .summary = "list the contact centers, or delete one",
    .usage = "[list] | delete CCID [--yes] [--force] [--json]",
    .manual =
        "list prints a line for each contact center: its ccid, which other commands take as\n"
        "--tenant, its name, how many numbers and mail domains it has, how many keys that are not\n"
        "revoked, and when it was created. apply makes and changes contact centers.\n"
        "\n"
        "delete counts what a contact center has, by kind. With --yes it deletes all of it:\n"
        "provisioning, keys and secrets, conversations, messages, attachments, opt-outs, events,\n"
        "its part of the ledger. It refuses while numbers of it can receive texts, unless --force\n"
        "is given. First the contact center is closed: its keys are revoked, its users are logged\n"
        "out, nothing is accepted or sent any more, and its numbers may be given to others. Then\n"
        "rows go in small batches, while everybody else works on; progress is shown on stderr.\n"
        "It may be killed at any point: run it again, and it goes on where it was. There is no "
        "way\n"
        "back but a backup.\n"
        "\n"
        "What stays: entries of the audit log, which hold no values, until they are old; that it\n"
        "was deleted, when and by whom, is one of them (tenant.delete, tenant.deleted). Backups "
        "and\n"
        "logs stay as long as you keep them. A user of it whom GWS still lets in founds it anew,\n"
        "empty.\n"
        "\n"
        "Exit codes: 0 done; 1 failed or refused; 2 used wrongly; 3 counted, nothing was done.",
    .examples = "  nexusctl tenants list\n"
                "  nexusctl tenants list --json\n"
                "  nexusctl tenants delete 578ec98e-0000-46ad-9675-000000000001\n"
                "  nexusctl tenants delete 578ec98e-0000-46ad-9675-000000000001 --yes --force",
    .options = options,
    .option_count = COUNT_OF(options),
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
};
