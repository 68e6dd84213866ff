// ledger: the proof that nothing accepted was lost.
#include "nexusctl/commands.h"
#include "nexusctl/table.h"
#include "store/rules.h"
#include "wire/codec_json.h"

enum { FROM, TO, BY, TENANT };
static const struct option options[] = {
    [FROM] = {"--from", NULL, "DAY",
              .doc = "First day, UTC (YYYY-MM-DD); all of history when left out."},
    [TO] = {"--to", NULL, "DAY", .doc = "Last day."},
    [BY] = {"--by", NULL, "channel|tenant",
            .doc = "A line a number (as when left out) or a tenant."},
    [TENANT] = {"--tenant", NULL, "CCID", .doc = "Only this contact center."},
};

static int64_t number_of(const struct json_view *object, const char *name)
{
    int64_t number = 0;

    (void)json_number(json_member(object, name), &number); // 0 where there is none
    return number;
}

// "sent 12, failed 1": the states that occur.
static struct str states_text(const struct json_view *states, struct arena *arena)
{
    AUTO(buf) text = {0};
    const struct json_view *value;
    struct str name;
    size_t cursor = 0;
    int64_t count = 0;

    while (json_object_next(states, &cursor, &name, &value))
        if (json_number(value, &count) && count != 0)
            buf_printf(&text, "%s%.*s %lld", text.len ? ", " : "", STR_ARG(name), (long long)count);
    return text.len ? arena_copy(arena, buf_str(&text)) : STR_ABSENT;
}

static void line_add(struct table *table, struct str ccid, struct str channel, struct str direction,
                     const struct json_view *line, struct arena *arena)
{
    table_cell(table, ccid);
    table_cell(table, channel);
    table_cell(table, direction);
    table_number(table, number_of(line, "accepted"));
    table_number(table, number_of(line, "imbalance"));
    table_cell(table, states_text(json_member(line, "states"), arena));
}

static void ledger_print(const struct json_view *ledger, struct arena *arena, struct buf *out)
{
    static const struct str titles[] = {STR_INIT("CCID"),      STR_INIT("CHANNEL"),
                                        STR_INIT("DIR"),       STR_INIT("ACCEPTED"),
                                        STR_INIT("IMBALANCE"), STR_INIT("STATES")};
    const struct json_view *rows = json_member(ledger, "rows"), *row;
    struct table table = {.columns = COUNT_OF(titles)};

    for (size_t i = 0; i < COUNT_OF(titles); i++)
        table_cell(&table, titles[i]);
    for (size_t i = 0; (row = json_element(rows, i)) != NULL; i++)
        line_add(&table, json_text(json_member(row, "ccid")),
                 json_text(json_member(row, "channel")), json_text(json_member(row, "direction")),
                 row, arena);
    line_add(&table, STR("total"), STR_ABSENT, STR_ABSENT, json_member(ledger, "totals"), arena);
    table_print(&table, out);

    int64_t waiting = number_of(ledger, "partsWaiting");
    if (waiting > 0)
        buf_printf(out, "%lld %s for the rest\n", (long long)waiting,
                   waiting == 1 ? "part of a long message waits" : "parts of long messages wait");
    if (number_of(ledger, "remainder") == 0)
        buf_printf(out, "balanced\n");
    else
        buf_printf(out, "IMBALANCE %lld\n", (long long)number_of(ledger, "remainder"));
}

static bool ledger(struct call *call, struct err *err)
{
    struct str by = option_text(call, BY);
    const struct str parameters[] = {option_text(call, TENANT), option_text(call, FROM),
                                     option_text(call, TO), by};
    const struct json_view *view;
    struct str text;

    if (str_present(by) && !str_equal(by, STR("channel")) && !str_equal(by, STR("tenant")))
        return usage_set(call, err, "--by: channel or tenant is wanted");
    if (!option_check(call, FROM, day_check, err) || !option_check(call, TO, day_check, err) ||
        !options_ordered(call, FROM, TO, err))
        return false;
    if (!call_ask(call, STATEMENT_OPERATOR_LEDGER, parameters, COUNT_OF(parameters), &text, err) ||
        !json_parse(text, call->arena, &view, err))
        return false;
    if (call->json)
        buf_printf(&call->out, "%.*s\n", STR_ARG(text));
    else
        ledger_print(view, call->arena, &call->out);
    if (!json_is_true(json_member(view, "balanced")))
        call->verdict = EXIT_FAILED;
    return true;
}

const struct command ledger_command = {
    .name = "ledger",
    .summary = "prove that nothing accepted was lost",
    .usage = "[--from DAY] [--to DAY] [--by channel|tenant] [--tenant CCID] [--json]",
    .manual =
        "Compares what the accepting transactions claim to have taken with the messages there "
        "are,\n"
        "by state. A message that is still to be sent counts only while the delivery queue holds\n"
        "it. Of a long text the parts are counted, each of which was accepted by itself: they "
        "wait,\n"
        "stand in a message (joined), or are copies. The last line says \"balanced\", or\n"
        "\"IMBALANCE n\"; then the exit code is 1: that is a defect, or somebody changed rows by "
        "hand.\n"
        "Without --from it reads all of history.",
    .examples = "  nexusctl ledger\n"
                "  nexusctl ledger --from 2026-11-01 --to 2026-11-30 --by tenant\n"
                "  nexusctl ledger --tenant 578ec98e-0000-46ad-9675-000000000001 --json",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = ledger,
};
