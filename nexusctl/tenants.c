// tenants: which contact centers there are.
#include "nexusctl/commands.h"
#include "nexusctl/table.h"

static int64_t number_of(const struct json_view *tenant, const char *name)
{
    int64_t number = 0;

    (void)json_number(json_member(tenant, name), &number); // every contact center has it
    return number;
}

static void tenants_print(const struct json_view *tenants, struct buf *out)
{
    static const struct str titles[] = {STR_INIT("CCID"), STR_INIT("NAME"), STR_INIT("NUMBERS"),
                                        STR_INIT("KEYS"), STR_INIT("CREATED")};
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
    }
    table_print(&table, out);
}

static bool tenants_list(struct call *call, struct err *err)
{
    const struct json_view *view;
    struct str text;

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
};

const struct command tenants_command = {
    .name = "tenants",
    .summary = "list the contact centers",
    .usage = "[list] [--json]",
    .manual =
        "A line for each contact center: its ccid, which other commands take as --tenant, its\n"
        "name, how many numbers and mail domains it has, how many keys that are not revoked,\n"
        "and when it was created. apply makes and changes contact centers.",
    .examples = "  nexusctl tenants list\n"
                "  nexusctl tenants list --json",
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
};
