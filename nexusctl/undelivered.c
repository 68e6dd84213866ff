// undelivered: what failed for good and can be replayed.
#include "nexusctl/commands.h"
#include "nexusctl/table.h"
#include "store/rules.h"
#include "wire/codec_json.h"

enum { TENANT, AFTER, LIMIT };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", "Whose; needed."},
    [AFTER] = {"--after", NULL, "ID", "Continue after this message."},
    [LIMIT] = {"--limit", NULL, "COUNT", "At most so many; 100 when left out."},
};

static void undelivered_print(const struct json_view *list, struct buf *out)
{
    static const char *const members[] = {"id", "channel", "state", "reason", "since"};
    const struct json_view *line;
    struct table table = {.columns = COUNT_OF(members)};

    table_cell(&table, STR("MESSAGE"));
    table_cell(&table, STR("CHANNEL"));
    table_cell(&table, STR("STATE"));
    table_cell(&table, STR("REASON"));
    table_cell(&table, STR("SINCE"));
    for (size_t i = 0; (line = json_element(list, i)) != NULL; i++)
        for (size_t m = 0; m < COUNT_OF(members); m++)
            table_cell(&table, json_text(json_member(line, members[m])));
    table_print(&table, out);
}

static bool undelivered(struct call *call, struct err *err)
{
    struct str after = option_text(call, AFTER), text;
    const struct json_view *view;
    int64_t limit = 100;

    if (!option_given(call, TENANT))
        return usage_set(call, err, "whose? give --tenant CCID");
    if (str_present(after) && !uuid_check(after, err))
        return err_in(err, options[AFTER].name);
    if (!option_number(call, LIMIT, 1, 10000, &limit, err))
        return false;
    const struct str parameters[] = {option_text(call, TENANT), after,
                                     arena_printf(call->arena, "%lld", (long long)limit)};
    if (!call_ask(call, STATEMENT_OPERATOR_UNDELIVERED, parameters, COUNT_OF(parameters), &text,
                  err) ||
        !json_parse(text, call->arena, &view, err))
        return false;
    if (call->json)
        buf_printf(&call->out, "%.*s\n", STR_ARG(text));
    else
        undelivered_print(json_member(view, "undelivered"), &call->out);
    return true;
}

const struct command undelivered_command = {
    .name = "undelivered",
    .summary = "list messages that failed for good",
    .usage = "--tenant CCID [--after ID] [--limit COUNT] [--json]",
    .manual =
        "Messages that will not be tried again by themselves: refused, expired, given up. replay\n"
        "sends them once more.",
    .examples = "  nexusctl undelivered --tenant 578ec98e-0000-46ad-9675-000000000001",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = undelivered,
};
