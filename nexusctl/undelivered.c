// undelivered: what failed for good and can be replayed.
#include "nexusctl/commands.h"
#include "nexusctl/table.h"
#include "wire/codec_json.h"

enum { TENANT, REASON, CHANNEL, FROM, TO, BY, SORT, ORDER, AFTER, LIMIT };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .doc = "Only those of this contact center."},
    [REASON] = {"--reason", NULL, "REASON", .doc = "Only those that failed for this reason."},
    [CHANNEL] = {"--channel", NULL, "NUMBER", .doc = "Only those of this number or mail domain."},
    [FROM] = {"--from", NULL, "TIME", .doc = "Only those that failed at or after this time."},
    [TO] = {"--to", NULL, "TIME", .doc = "Only those that failed before this time."},
    [BY] = {"--by", NULL, "destination",
            .doc = "A line for each destination instead of each message."},
    [SORT] = {"--sort", NULL, "since|channel|reason|status|attempts",
              .doc = "By this column; since when left out."},
    [ORDER] = {"--order", NULL, "asc|desc",
               .doc =
                   "desc (when left out): the latest or largest first; asc: the other way round."},
    [AFTER] = {"--after", NULL, "NEXT", .doc = "Go on after a page, which said it at its end."},
    [LIMIT] = {"--limit", NULL, "COUNT", .doc = "At most so many; 100 when left out."},
};

struct column {
    const char *title, *member;
};

static const struct column of_messages[] = {
    {"MESSAGE", "id"},    {"CCID", "ccid"},     {"CHANNEL", "channel"},   {"STATE", "state"},
    {"REASON", "reason"}, {"STATUS", "status"}, {"ATTEMPTS", "attempts"}, {"SINCE", "since"},
};
static const struct column of_destinations[] = {
    {"CCID", "ccid"},   {"CHANNEL", "channel"}, {"HOST", "host"},
    {"COUNT", "count"}, {"OLDEST", "oldest"},   {"LATEST", "latest"},
};

static void list_print(const struct json_view *list, const struct column *columns, size_t count,
                       struct arena *arena, struct buf *out)
{
    const struct json_view *line;
    struct table table = {.columns = count};
    int64_t number;

    for (size_t c = 0; c < count; c++)
        table_cell(&table, str_of(columns[c].title));
    for (size_t i = 0; (line = json_element(list, i)) != NULL; i++)
        for (size_t c = 0; c < count; c++) {
            const struct json_view *member = json_member(line, columns[c].member);
            table_cell(&table, json_number(member, &number)
                                   ? arena_printf(arena, "%lld", (long long)number)
                                   : json_text(member));
        }
    table_print(&table, out);
}

static void page_print(struct call *call, const struct json_view *page)
{
    struct str next = json_text(json_member(page, "next"));
    int64_t total;

    if (option_given(call, BY)) {
        list_print(json_member(page, "destinations"), of_destinations, COUNT_OF(of_destinations),
                   call->arena, &call->out);
        return;
    }
    list_print(json_member(page, "undelivered"), of_messages, COUNT_OF(of_messages), call->arena,
               &call->out);
    if (json_number(json_member(page, "total"), &total) && total > 0)
        buf_printf(&call->out, "%lld%s undelivered\n", (long long)total,
                   total >= 10000 ? " or more" : "");
    if (str_present(next))
        buf_printf(&call->out, "there are more: --after %.*s\n", STR_ARG(next));
}

static bool undelivered(struct call *call, struct err *err)
{
    const struct json_view *page;
    int64_t limit = 100;
    struct str text;

    if (option_given(call, BY) && !str_equal(option_text(call, BY), STR("destination")))
        return usage_set(call, err, "--by: destination is wanted");
    if (option_given(call, BY) && option_given(call, AFTER))
        return usage_set(call, err,
                         "--by and --after do not go together: what is counted is counted at once");
    if (option_given(call, BY) && (option_given(call, SORT) || option_given(call, ORDER)))
        return usage_set(
            call, err, "--by does not go with --sort and --order: those with the most come first");
    if (!option_number(call, LIMIT, 1, 10000, &limit, err))
        return false;
    const struct str parameters[] = {option_text(call, TENANT),
                                     option_text(call, AFTER),
                                     option_text(call, REASON),
                                     option_text(call, CHANNEL),
                                     option_text(call, FROM),
                                     option_text(call, TO),
                                     arena_printf(call->arena, "%lld", (long long)limit),
                                     option_text(call, SORT),
                                     option_text(call, ORDER)};
    if (!call_ask(call, STATEMENT_OPERATOR_UNDELIVERED, parameters, COUNT_OF(parameters), &text,
                  err) ||
        !answer_parse(text, call->arena, &page, err))
        return false;
    if (call->json)
        buf_printf(&call->out, "%.*s\n", STR_ARG(text));
    else
        page_print(call, page);
    return true;
}

const struct command undelivered_command = {
    .name = "undelivered",
    .summary = "list messages that failed for good",
    .usage = "[OPTIONS]",
    .manual =
        "Messages that will not be tried again by themselves: refused, expired, given up. The\n"
        "latest come first unless --sort says otherwise; those of all contact centers without\n"
        "--tenant. replay sends them once more.",
    .examples =
        "  nexusctl undelivered\n"
        "  nexusctl undelivered --by destination\n"
        "  nexusctl undelivered --sort attempts --order asc\n"
        "  nexusctl undelivered --tenant 578ec98e-0000-46ad-9675-000000000001 --reason expired",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = undelivered,
};
