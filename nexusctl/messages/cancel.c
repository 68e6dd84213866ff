// cancel: cancels messages that wait to be sent.
#include "nexusctl/cli/output.h"
#include "nexusctl/commands.h"
#include "provisioning/rules.h"

enum { ID, DESTINATION, TENANT, LIMIT, DRY_RUN };
static const struct option options[] = {
    [ID] = {"--id", NULL, "ID", .rule = uuid_check, .doc = "This message; may be repeated.",
            .repeats = true},
    [DESTINATION] = {"--destination", NULL, "ID", .minimum = 1, .maximum = INT32_MAX,
                     .doc = "All that wait for it; see nexusctl destinations."},
    [TENANT] = {"--tenant", NULL, "CCID", .rule = uuid_check,
                .doc = "Only messages of this contact center."},
    [LIMIT] = {"--limit", NULL, "COUNT", .minimum = 1, .maximum = 10000,
               .doc = "At most so many, the oldest first; 1000 when left out."},
    [DRY_RUN] = {"--dry-run", NULL, NULL,
                 .doc = "Only say how many; exit code 3 when there are any."},
};

static void result_print(const struct call *call, int64_t cancelled, int64_t in_hand,
                         struct buf *out)
{
    buf_printf(out, "%lld %s %s\n", (long long)cancelled, plural(cancelled, "message", "messages"),
               option_given(call, DRY_RUN) ? "would be cancelled" : "cancelled");
    if (in_hand > 0)
        buf_printf(out, "%lld %s being sent and not cancelled; look again in a minute\n",
                   (long long)in_hand, plural(in_hand, "is", "are"));
}

static bool cancel(struct call *call, struct err *err)
{
    const struct json_view *result;
    int64_t cancelled = 0, in_hand = 0;

    if (option_given(call, ID) == option_given(call, DESTINATION))
        return usage_set(call, err, "no messages are chosen: give either --id or --destination");
    const struct str parameters[] = {
        option_text(call, TENANT), option_ids(call, ID), option_text(call, DESTINATION),
        arena_printf(call->arena, "%lld", (long long)option_number(call, LIMIT, 1000)),
        option_given(call, DRY_RUN) ? STR("true") : STR("false")};
    if (!call_answer(call, STATEMENT_OPERATOR_CANCEL, parameters, COUNT_OF(parameters), &result,
                     err))
        return false;
    (void)json_number(json_member(result, "cancelled"), &cancelled);
    (void)json_number(json_member(result, "inHand"), &in_hand);
    // If messages were named and none was cancelled, that is an error.
    if (option_given(call, ID) && cancelled + in_hand == 0)
        return err_set(err, ERR_NOT_FOUND, "no such message waits to be sent");
    if (!call->json)
        result_print(call, cancelled, in_hand, &call->out);
    if (option_given(call, DRY_RUN) && cancelled > 0)
        call->verdict = EXIT_DIFFERS;
    return true;
}

const struct command cancel_command = {
    .name = "cancel",
    .summary = "cancel messages that wait to be sent",
    .usage = "--id ID... | --destination ID [--tenant CCID] [--limit COUNT] [--dry-run] [--json]",
    .manual =
        "A cancelled message is not sent any more, and the next messages of its conversation\n"
        "are sent. If an attempt of it got no answer, so that it may have arrived, its state\n"
        "becomes uncertain. A message that is being sent at this moment is not cancelled.",
    .examples = "  nexusctl cancel --id 0199c5b2-7d3a-7000-8000-000000000001\n"
                "  nexusctl cancel --destination 7 --dry-run",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = cancel,
};
