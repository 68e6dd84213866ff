// undelivered: messages that failed for good and can be replayed.
#include "nexusctl/commands.h"
#include "provisioning/rules.h"
#include "wire/json/codec_json.h"

enum { TENANT, REASON, CHANNEL, FROM, TO, BY, SORT, ORDER, AFTER, LIMIT };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .rule = uuid_check,
                .doc = "Only those of this contact center."},
    [REASON] = {"--reason", NULL, "gone|refused|forbidden_address|exhausted|expired|uncertain",
                .doc = "Only those that failed for this reason."},
    [CHANNEL] = {"--channel", NULL, "NUMBER", .rule = address_check,
                 .doc = "Only those of this number or mail domain."},
    [FROM] = {"--from", NULL, "TIME", .rule = time_check,
              .doc = "Only those that failed at or after this time."},
    [TO] = {"--to", NULL, "TIME", .rule = time_check,
            .doc = "Only those that failed before this time."},
    [BY] = {"--by", NULL, "destination",
            .doc = "A line for each destination instead of each message."},
    [SORT] = {"--sort", NULL, "since|channel|reason|status|attempts",
              .doc = "By this column; since when left out."},
    [ORDER] = {"--order", NULL, "asc|desc",
               .doc =
                   "desc (when left out): the latest or largest first; asc: the other way round."},
    [AFTER] = {"--after", NULL, "NEXT", .doc = "The next page; the end of a page shows NEXT."},
    [LIMIT] = {"--limit", NULL, "COUNT", .minimum = 1, .maximum = 10000,
               .doc = "At most so many; 100 when left out."},
};

static const struct column of_messages[] = {
    {"MESSAGE", "id", NULL},        {"CCID", "ccid", NULL},     {"CHANNEL", "channel", NULL},
    {"STATE", "state", NULL},       {"REASON", "reason", NULL}, {"STATUS", "status", NULL},
    {"ATTEMPTS", "attempts", NULL}, {"SINCE", "since", NULL},
};
static const struct listing messages = {"undelivered", of_messages, COUNT_OF(of_messages)};

static const struct column of_destinations[] = {
    {"CCID", "ccid", NULL},   {"CHANNEL", "channel", NULL}, {"HOST", "host", NULL},
    {"COUNT", "count", NULL}, {"OLDEST", "oldest", NULL},   {"LATEST", "latest", NULL},
};
static const struct listing destinations = {"destinations", of_destinations,
                                            COUNT_OF(of_destinations)};

static void page_print(struct call *call, const struct json_view *page)
{
    int64_t total;

    if (option_given(call, BY)) {
        listing_print(&destinations, page, call->arena, &call->out);
        return;
    }
    listing_print(&messages, page, call->arena, &call->out);
    if (json_number(json_member(page, "total"), &total) && total > 0)
        buf_printf(&call->out, "%lld%s undelivered\n", (long long)total,
                   total >= 10000 ? " or more" : "");
    next_print(call, page);
}

static bool undelivered(struct call *call, struct err *err)
{
    const struct str parameters[] = {
        option_text(call, TENANT),
        option_text(call, AFTER),
        option_text(call, REASON),
        option_address(call, CHANNEL),
        option_text(call, FROM),
        option_text(call, TO),
        arena_printf(call->arena, "%lld", (long long)option_number(call, LIMIT, 100)),
        option_text(call, SORT),
        option_text(call, ORDER)};
    const struct json_view *page;

    if (option_given(call, BY) && option_given(call, AFTER))
        return usage_set(call, err, "--by and --after do not go together: --by has only one page");
    if (option_given(call, BY) && (option_given(call, SORT) || option_given(call, ORDER)))
        return usage_set(
            call, err, "--by does not go with --sort and --order: those with the most come first");
    if (!options_ordered(call, FROM, TO, err) ||
        !call_answer(call, STATEMENT_OPERATOR_UNDELIVERED, parameters, COUNT_OF(parameters), &page,
                     err))
        return false;
    if (!call->json)
        page_print(call, page);
    return true;
}

const struct command undelivered_command = {
    .name = "undelivered",
    .summary = "list messages that failed for good",
    .usage = "[OPTIONS]",
    .manual =
        "Messages that are not tried again: they were refused, expired, or all attempts failed.\n"
        "The latest come first unless --sort says otherwise. Without --tenant the messages of\n"
        "all contact centers are listed. replay sends them again.",
    .examples =
        "  nexusctl undelivered\n"
        "  nexusctl undelivered --by destination\n"
        "  nexusctl undelivered --sort attempts --order asc\n"
        "  nexusctl undelivered --tenant 578ec98e-0000-46ad-9675-000000000001 --reason expired",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = undelivered,
};
