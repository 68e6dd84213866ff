// tenants: which contact centers there are, and the end of one.
#include "nexusctl/commands.h"
#include "nexusctl/table.h"
#include "nexusctl/tenant_delete.h"

static const struct option options[TENANTS_OPTIONS] = {
    [TENANTS_YES] = {"--yes", NULL, NULL, .doc = "delete: do it; without it, only count."},
    [TENANTS_FORCE] = {"--force", NULL, NULL,
                       .doc = "delete: also while numbers can receive texts."},
};

static int64_t number_of(const struct json_view *tenant, const char *name)
{
    int64_t number = 0;

    (void)json_number(json_member(tenant, name), &number); // every contact center has it
    return number;
}

static void tenants_print(const struct json_view *tenants, struct buf *out)
{
    static const struct str titles[] = {STR_INIT("CCID"), STR_INIT("NAME"),    STR_INIT("NUMBERS"),
                                        STR_INIT("KEYS"), STR_INIT("CREATED"), STR_INIT("STATE")};
    struct table table = {.columns = COUNT_OF(titles)};
    const struct json_view *tenant;

    for (size_t i = 0; i < COUNT_OF(titles); i++)
        table_cell(&table, titles[i]);
    for (size_t i = 0; (tenant = json_element(tenants, i)) != NULL; i++) {
        table_cell(&table, json_text(json_member(tenant, "ccid")));
        table_cell(&table, json_text(json_member(tenant, "name")));
        table_number(&table, number_of(tenant, "numbers"));
        table_number(&table, number_of(tenant, "keys"));
        table_time(&table, json_text(json_member(tenant, "created")));
        table_cell(&table, str_present(json_text(json_member(tenant, "deleting")))
                               ? STR("being deleted")
                               : STR("in use"));
    }
    table_print(&table, out);
}

static bool tenants_list(struct call *call, struct err *err)
{
    const struct json_view *view;
    struct str text;

    if (call->argument_count > 0)
        return usage_set(call, err, "list takes no arguments");
    if (!call_ask(call, STATEMENT_OPERATOR_TENANTS, NULL, 0, &text, err) ||
        !answer_parse(text, call->arena, &view, err))
        return false;
    if (call->json)
        buf_printf(&call->out, "%.*s\n", STR_ARG(text));
    else
        tenants_print(json_member(view, "tenants"), &call->out);
    return true;
}

static const struct verb verbs[] = {
    {"list", "all contact centers, with how many numbers and keys they have", tenants_list},
    {"delete", "delete a contact center and all that is its own, for good", tenants_delete},
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
    .arguments_limit = 1,
};
