// numbers: who has which number, and giving one to another.
#include "nexusctl/commands.h"
#include "store/form.h"
#include "store/rules.h"
#include "wire/codec_json.h"
#include "wire/shape.h"

enum { TENANT, AFTER, LIMIT, TO, DRY_RUN };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .verb = "list", .rule = uuid_check,
                .doc = "only those of this contact center."},
    [AFTER] = {"--after", NULL, "NEXT", .verb = "list",
               .doc = "go on after a page, which said it at its end."},
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

// One transaction: dying in it leaves the number where it was.
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
    {"list", "numbers and mail domains, whose they are and where their texts go", numbers_list, 0},
    {"move", "give a number to another contact center", numbers_move, 1},
};

const struct command numbers_command = {
    .name = "numbers",
    .summary = "list numbers, or give one to another contact center",
    .usage = "[list [--tenant CCID] | move NUMBER --to CCID [--dry-run]] [--json]",
    .manual =
        "list shows every number and mail domain that was ever provisioned: whose it is, the\n"
        "country of a short code, its name, the endpoint of its conversations, the service that\n"
        "sends its answers and the destination they go to (see destinations). STATE: in use; no\n"
        "webhook, its answers wait; in use twice, another contact center has it, too; retired,\n"
        "nobody asks for it any more.\n"
        "\n"
        "A number belongs to one contact center at a time; provisioning it in a second one is\n"
        "refused. move takes it from its owner and gives it to another, in one transaction. The\n"
        "section goes along with its options. The webhook and its secrets are the former owner's\n"
        "and are removed; until the new owner provisions its own, texts arrive and answers wait.\n"
        "Conversations stay with the former owner, and what waits there is not sent.\n"
        "\n"
        "Exit codes: 0 done, or it was there; 1 failed, nothing was done; 2 used wrongly; 3 a dry\n"
        "run that found something to do.",
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
