// tenants: lists contact centers, and deletes one.
#include "nexusctl/commands.h"
#include "nexusctl/tenants/tenant_delete.h"

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
    {"delete", "delete a contact center with all its data, for good", tenants_delete, 1},
};

const struct command tenants_command = {
    .name = "tenants",
    .summary = "list the contact centers, or delete one",
    .usage = "[list] | delete CCID [--yes] [--force] [--json]",
    .manual =
        "list prints a line for each contact center: its ccid, which other commands take as\n"
        "--tenant, its name, how many numbers and mail domains it has, how many keys that are\n"
        "not revoked, and when it was created. apply makes and changes contact centers.\n"
        "\n"
        "delete counts what a contact center has, by kind. With --yes it deletes all of it:\n"
        "provisioning, keys and secrets, conversations, messages, attachments, opt-outs,\n"
        "events, its part of the ledger. It refuses while numbers of the contact center can\n"
        "receive texts, unless --force is given. First the contact center is closed: its keys\n"
        "are revoked, its users are logged out, nothing is accepted or sent any more, and its\n"
        "numbers may be given to others. Then its rows are deleted in small batches, while the\n"
        "other contact centers continue; progress is shown on stderr. You may kill the command\n"
        "at any point: run it again, and it continues. Only a backup can bring the data back.\n"
        "\n"
        "Entries of the audit log, which contain no values, stay for as long as they are kept.\n"
        "The deletion makes two of them (tenant.delete, tenant.deleted). Backups and logs stay\n"
        "as long as you keep them. If a user can still log in at GWS, the next log-in makes the\n"
        "contact center again, empty.\n"
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
