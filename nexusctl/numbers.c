// numbers: who has a number, where that is for an operator to decide.
#include "nexusctl/commands.h"
#include "nexusctl/table.h"
#include "store/form.h"
#include "wire/codec_json.h"
#include "wire/shape.h"

enum { TO, DRY_RUN };
static const struct option options[] = {
    [TO] = {"--to", NULL, "CCID", .doc = "The contact center that gets the number."},
    [DRY_RUN] = {"--dry-run", NULL, NULL,
                 .doc = "Only say what would be done; exit code 3 if anything."},
};

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

static void plan_print(const struct json_view *plan, bool dry_run, struct buf *out)
{
    struct table table = {.columns = 4};
    const struct json_view *line;

    for (size_t i = 0; (line = json_element(plan, i)) != NULL; i++) {
        table_cell(&table, json_text(json_member(line, "action")));
        table_cell(&table, json_text(json_member(line, "kind")));
        table_cell(&table, json_text(json_member(line, "ccid")));
        table_cell(&table, json_text(json_member(line, "name")));
    }
    table_print(&table, out);
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
        return err_in(err, "NUMBER");
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
        plan_print(plan, dry_run, &call->out);
    }
    call->verdict = dry_run && shape_length(plan) > 0 ? EXIT_DIFFERS : EXIT_DONE;
    return true;
}

static const struct verb verbs[] = {
    {"move", "give a number to another contact center", numbers_move},
};

const struct command numbers_command = {
    .name = "numbers",
    .summary = "give a number to another contact center",
    .usage = "move NUMBER --to CCID [--dry-run] [--json]",
    .manual =
        "A number belongs to one contact center at a time; provisioning it in a second one is\n"
        "refused. move takes it from its owner and gives it to another, in one transaction. The\n"
        "section goes along with its options. The webhook and its secrets are the former owner's\n"
        "and are removed; until the new owner provisions its own, texts arrive and answers wait.\n"
        "Conversations stay with the former owner, and what waits there is not sent.\n"
        "\n"
        "Exit codes: 0 moved, or it was there; 1 failed, nothing was done; 3 a dry run that found\n"
        "something to do.",
    .examples =
        "  nexusctl numbers move +18445551212 --to 578ec98e-0000-46ad-9675-000000000001 --dry-run\n"
        "  nexusctl numbers move +18445551212 --to 578ec98e-0000-46ad-9675-000000000001",
    .options = options,
    .option_count = COUNT_OF(options),
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
    .arguments_limit = 1,
};
