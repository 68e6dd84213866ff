// replay: sends undelivered messages again, under their old ids.
//
// The statement puts them back into the delivery queue; sms-workers find them with their sweep,
// within seconds. Each replay is recorded with its user.
#include "nexusctl/cli/output.h"
#include "nexusctl/commands.h"
#include "provisioning/rules.h"

#include <stdlib.h>

enum { ID, REASON, CHANNEL, FROM, TO, LIMIT, TENANT, BY, ALL, DRY_RUN };
static const struct option options[] = {
    [ID] = {"--id", NULL, "ID", .rule = uuid_check, .doc = "This message; may be repeated.",
            .repeats = true},
    [REASON] = {"--reason", NULL, "gone|refused|forbidden_address|exhausted|expired|uncertain",
                .doc = "Those that failed for this reason."},
    [CHANNEL] = {"--channel", NULL, "NUMBER", .rule = address_check,
                 .doc = "Those of this number."},
    [FROM] = {"--from", NULL, "TIME", .rule = time_check,
              .doc = "Those that failed at or after it (RFC 3339)."},
    [TO] = {"--to", NULL, "TIME", .rule = time_check, .doc = "Those that failed before it."},
    [LIMIT] = {"--limit", NULL, "COUNT", .minimum = 1, .maximum = 10000,
               .doc = "At most so many, the oldest first; 1000 when left out."},
    [TENANT] = {"--tenant", NULL, "CCID", .rule = uuid_check,
                .doc = "Those of this contact center."},
    [BY] = {"--by", NULL, "NAME", .doc = "Who does it, for the record; $USER when left out."},
    [ALL] = {"--all", NULL, NULL, .doc = "All of them; needed when no filter is given."},
    [DRY_RUN] = {"--dry-run", NULL, NULL, .doc = "Only say how many; exit code 3 if any."},
};

static bool is_chosen(const struct call *call)
{
    for (size_t option = ID; option < COUNT_OF(options); option++)
        if (option != LIMIT && option != BY && option != DRY_RUN && option_given(call, option))
            return true;
    return false;
}

static struct str operator_name(const struct call *call)
{
    const char *user = getenv("USER");

    return option_given(call, BY) ? option_text(call, BY) : str_of(user ? user : "nexusctl");
}

static void report(struct call *call, struct str replayed, bool dry_run)
{
    bool one = str_equal(replayed, STR("1"));

    if (call->json)
        buf_printf(&call->out, "{\"dryRun\":%s,\"replayed\":%.*s}\n", dry_run ? "true" : "false",
                   STR_ARG(replayed));
    else if (dry_run)
        buf_printf(&call->out, "%.*s %s would be sent again; nothing was done\n", STR_ARG(replayed),
                   one ? "message" : "messages");
    else
        buf_printf(&call->out, "%.*s %s sent again\n", STR_ARG(replayed),
                   one ? "message is" : "messages are");
}

static bool replay(struct call *call, struct err *err)
{
    bool dry_run = option_given(call, DRY_RUN);
    struct str replayed;

    if (!is_chosen(call))
        return usage_set(call, err, "no messages are chosen: give a filter, or --all");
    if (!options_ordered(call, FROM, TO, err))
        return false;
    const struct str parameters[] = {
        option_text(call, TENANT),
        option_ids(call, ID),
        option_text(call, REASON),
        option_address(call, CHANNEL),
        option_text(call, FROM),
        option_text(call, TO),
        arena_printf(call->arena, "%lld", (long long)option_number(call, LIMIT, 1000)),
        operator_name(call),
    };
    if (!call_try(call, STATEMENT_OPERATOR_REPLAY, parameters, COUNT_OF(parameters), dry_run,
                  &replayed, err))
        return false;
    report(call, replayed, dry_run);
    call->verdict = dry_run && !str_equal(replayed, STR("0")) ? EXIT_DIFFERS : EXIT_DONE;
    return true;
}

const struct command replay_command = {
    .name = "replay",
    .summary = "send undelivered messages again",
    .usage = "[--id ID]… [--reason REASON] [--channel NUMBER] [--from TIME] [--to TIME] "
             "[--dry-run] …",
    .manual =
        "Puts messages that failed for good back into the delivery queue, under their old ids,\n"
        "so that a receiver that already has a message recognises it. Several filters must all\n"
        "match. Messages to consumers who opted out are not sent. Workers find the messages\n"
        "within seconds.\n"
        "\n"
        "Exit codes: 0 done; 1 failed, or a message named by --id is not undelivered; 2 used\n"
        "wrongly; 3 a dry run that found messages.",
    .examples = "  nexusctl undelivered\n"
                "  nexusctl replay --id 0199c5b2-7d3a-7000-8000-000000000001\n"
                "  nexusctl replay --all --dry-run\n"
                "  nexusctl replay --reason exhausted --from 2026-11-22T10:00:00Z --limit 500",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = replay,
};
