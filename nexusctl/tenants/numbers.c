// numbers: lists the owners of numbers, and moves a number to another contact center.
#include "nexusctl/commands.h"
#include "provisioning/form.h"
#include "provisioning/rules.h"
#include "wire/json/codec_json.h"
#include "wire/json/shape.h"

enum { TENANT, AFTER, LIMIT, TO, DRY_RUN };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .verb = "list", .rule = uuid_check,
                .doc = "only those of this contact center."},
    [AFTER] = {"--after", NULL, "NEXT", .verb = "list",
               .doc = "the next page; the end of a page shows NEXT."},
    [LIMIT] = {"--limit", NULL, "COUNT", .verb = "list", .minimum = 1, .maximum = 10000,
               .doc = "at most so many; 1000 when left out."},
    [TO] = {"--to", NULL, "CCID", .verb = "move", .rule = uuid_check,
            .doc = "the contact center that gets the number."},
    [DRY_RUN] = {"--dry-run", NULL, NULL, .verb = "move",
                 .doc = "only say what would be done; exit code 3 if anything."},
};

static const struct column columns[] = {
    {"NUMBER", "number", NULL},   {"CCID", "ccid", NULL},
    {"KIND", "kind", NULL},       {"COUNTRY", "country", NULL},
    {"NAME", "name", NULL},       {"ENDPOINT", "endpoint", NULL},
    {"SERVICE", "service", NULL}, {"DESTINATION", "destination", NULL},
    {"STATE", "state", NULL},
};
static const struct listing list = {"numbers", columns, COUNT_OF(columns)};

static bool numbers_list(struct call *call, struct err *err)
{
    const struct str parameters[] = {
        option_text(call, TENANT), option_text(call, AFTER),
        arena_printf(call->arena, "%lld", (long long)option_number(call, LIMIT, 1000))};

    return call_list(call, STATEMENT_NUMBER_LIST, parameters, COUNT_OF(parameters), &list, err);
}

// One transaction: a crash in it leaves the number where it was.
static bool move(struct call *call, struct pg_script *script, struct str number, struct str *plan,
                 struct err *err)
{
    static const char begin[] = "begin; select pg_advisory_xact_lock(hashtext('nexus.apply'))";
    const struct str parameters[] = {number, option_text(call, TO)};

    return pg_script_run(script, begin, err) &&
           pg_script_ask(script, statements[STATEMENT_NUMBER_MOVE].sql, parameters,
                         COUNT_OF(parameters), call->arena, plan, err) &&
           pg_script_run(script, option_given(call, DRY_RUN) ? "rollback" : "commit", err);
}

static void plan_print(const struct json_view *plan, bool dry_run, struct arena *arena,
                       struct buf *out)
{
    static const struct column of_plan[] = {
        {NULL, "action", NULL}, {NULL, "kind", NULL}, {NULL, "ccid", NULL}, {NULL, "name", NULL}};
    static const struct listing lines = {NULL, of_plan, COUNT_OF(of_plan)};

    listing_print(&lines, plan, arena, out);
    if (shape_length(plan) == 0)
        buf_printf(out, "the number is there already\n");
    else if (dry_run)
        buf_printf(out, "nothing was done\n");
}

static bool numbers_move(struct call *call, struct err *err)
{
    bool dry_run = option_given(call, DRY_RUN);
    struct pg_script *script = NULL;
    const struct json_view *plan;
    struct str number, text;

    if (call->argument_count != 1 || !option_given(call, TO))
        return usage_set(call, err,
                         "the number or its new owner is missing: give NUMBER --to CCID");
    if (!form_read(FORM_NUMBER, "", STR_ABSENT, call->arguments[0], call->arena, &number, err))
        return usage_in(call, "NUMBER", err);
    bool moved = call_connect(call, &script, err) && call_introduce(call, script, err) &&
                 move(call, script, number, &text, err) &&
                 answer_parse(text, call->arena, &plan, err);
    pg_script_close(&script); // rolls back what is open
    if (!moved)
        return false;
    if (call->json) {
        json_open(&call->out, '{');
        json_key_bool(&call->out, "dryRun", dry_run);
        json_key_raw(&call->out, "plan", text);
        json_close(&call->out, '}');
        buf_byte(&call->out, '\n');
    } else {
        plan_print(plan, dry_run, call->arena, &call->out);
    }
    call->verdict = dry_run && shape_length(plan) > 0 ? EXIT_DIFFERS : EXIT_DONE;
    return true;
}

static const struct verb verbs[] = {
    {"list", "numbers and mail domains, with contact center, endpoint and destination",
     numbers_list, 0},
    {"move", "give a number to another contact center", numbers_move, 1},
};

const struct command numbers_command = {
    .name = "numbers",
    .summary = "list numbers, or give one to another contact center",
    .usage = "[list [--tenant CCID] | move NUMBER --to CCID [--dry-run]] [--json]",
    .manual =
        "list shows every number and mail domain that was ever provisioned: its contact center,\n"
        "the country of a short code, its name, the endpoint of its conversations, the service\n"
        "that sends its messages, and their destination (see destinations). STATE: in use; no\n"
        "webhook, its outbound messages wait; in use twice, another contact center has it too;\n"
        "retired, no contact center has it any more.\n"
        "\n"
        "A number belongs to one contact center at a time; a second one that provisions it is\n"
        "refused. move takes a number from its owner and gives it to another contact center, in\n"
        "one transaction. Its section and options move too. The webhook and its secrets belong\n"
        "to the former owner and are removed; until the new owner provisions a webhook, texts\n"
        "are accepted and outbound messages wait. Conversations stay with the former owner, and\n"
        "messages that wait there are not sent.\n"
        "\n"
        "Exit codes: 0 done, or the number was there already; 1 failed, nothing was done; 2\n"
        "used wrongly; 3 a dry run that found something to do.",
    .examples =
        "  nexusctl numbers list\n"
        "  nexusctl numbers list --tenant 578ec98e-0000-46ad-9675-000000000001 --json\n"
        "  nexusctl numbers move +18445551212 --to 578ec98e-0000-46ad-9675-000000000001 --dry-run\n"
        "  nexusctl numbers move +18445551212 --to 578ec98e-0000-46ad-9675-000000000001",
    .options = options,
    .option_count = COUNT_OF(options),
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
};
