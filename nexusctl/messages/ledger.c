// ledger: the proof that nothing accepted was lost.
//
// A recount counts one day a transaction. After a crash the days that it has counted stay counted,
// and the same command begins again.
#include "base/clock.h"
#include "nexusctl/cli/output.h"
#include "nexusctl/commands.h"
#include "provisioning/rules.h"
#include "wire/json/codec_json.h"
#include "wire/json/shape.h"

enum { FROM, TO, BY, TENANT, RECOUNT };
static const struct option options[] = {
    [FROM] = {"--from", NULL, "DAY", .rule = day_check,
              .doc = "First day, UTC (YYYY-MM-DD); all days when left out."},
    [TO] = {"--to", NULL, "DAY", .rule = day_check, .doc = "Last day."},
    [BY] = {"--by", NULL, "channel|tenant",
            .doc = "One line for each number (the default) or tenant."},
    [TENANT] = {"--tenant", NULL, "CCID", .rule = uuid_check, .doc = "Only this contact center."},
    [RECOUNT] = {"--recount", .doc = "First count the stored messages of these days again."},
};

static int64_t number_of(const struct json_view *object, const char *name)
{
    int64_t number = 0;

    (void)json_number(json_member(object, name), &number); // 0 where there is none
    return number;
}

// "sent 12, failed 1": the states that occur.
static struct str states_text(const struct json_view *line, struct arena *arena)
{
    const struct json_view *states = json_member(line, "states"), *value;
    AUTO(buf) text = {0};
    struct str name;
    size_t cursor = 0;
    int64_t count = 0;

    while (json_object_next(states, &cursor, &name, &value))
        if (json_number(value, &count) && count != 0)
            buf_printf(&text, "%s%.*s %lld", text.len ? ", " : "", STR_ARG(name), (long long)count);
    return text.len ? arena_copy(arena, buf_str(&text)) : STR_ABSENT;
}

// The totals belong to no contact center.
static struct str owner_text(const struct json_view *line, struct arena *arena)
{
    struct str ccid = json_text(json_member(line, "ccid"));

    (void)arena;
    return str_present(ccid) ? ccid : STR("total");
}

static const struct column columns[] = {
    {"CCID", NULL, owner_text},     {"CHANNEL", "channel", NULL},     {"DIR", "direction", NULL},
    {"ACCEPTED", "accepted", NULL}, {"IMBALANCE", "imbalance", NULL}, {"STATES", NULL, states_text},
};
static const struct listing list = {"rows", columns, COUNT_OF(columns)};

static void ledger_print(const struct json_view *ledger, struct arena *arena, struct buf *out)
{
    struct table table = {0};

    listing_add(&table, &list, ledger, arena);
    listing_add_row(&table, &list, json_member(ledger, "totals"), arena);
    table_print(&table, out);

    int64_t waiting = number_of(ledger, "partsWaiting");
    if (waiting > 0)
        buf_printf(out, "%lld %s for the rest\n", (long long)waiting,
                   plural(waiting, "part of a long message waits", "parts of long messages wait"));
    struct str recounted = json_text(json_member(ledger, "recounted"));
    if (str_present(recounted))
        buf_printf(out, "every day was counted at %.*s or later\n", STR_ARG(recounted));
    else
        buf_printf(out, "not every day was counted yet; --recount does it now\n");
    if (number_of(ledger, "remainder") == 0)
        buf_printf(out, "balanced\n");
    else
        buf_printf(out, "IMBALANCE %lld\n", (long long)number_of(ledger, "remainder"));
}

static void progress(size_t done, size_t all, int64_t *shown_ms)
{
    int64_t now_ms = clock_monotonic_ms();

    if (now_ms - *shown_ms < 1000)
        return;
    *shown_ms = now_ms;
    fprintf(stderr, "ledger: counted %zu of %zu %s\n", done, all,
            plural((int64_t)all, "day", "days"));
}

static bool days_recount(struct call *call, struct pg_script *script, struct err *err)
{
    const struct str range[] = {option_text(call, FROM), option_text(call, TO)};
    const struct json_view *days;
    struct str answer;
    int64_t shown_ms = clock_monotonic_ms();

    if (!pg_script_ask(script, statements[STATEMENT_LEDGER_DAYS].sql, range, COUNT_OF(range),
                       call->arena, &answer, err) ||
        !answer_parse(answer, call->arena, &days, err))
        return false;
    size_t all = shape_length(days);
    for (size_t i = 0; i < all; i++) {
        struct str day = json_text(json_element(days, i)), missing;
        if (!pg_script_ask(script, statements[STATEMENT_OPERATOR_RECOUNT].sql, &day, 1, call->arena,
                           &missing, err))
            return false;
        progress(i + 1, all, &shown_ms);
    }
    return true;
}

static bool recount(struct call *call, struct err *err)
{
    struct pg_script *script = NULL;
    bool done = call_connect(call, &script, err) && days_recount(call, script, err);

    pg_script_close(&script);
    return done;
}

static bool ledger(struct call *call, struct err *err)
{
    const struct str parameters[] = {option_text(call, TENANT), option_text(call, FROM),
                                     option_text(call, TO), option_text(call, BY)};
    const struct json_view *view;

    if (!options_ordered(call, FROM, TO, err) ||
        (option_given(call, RECOUNT) && !recount(call, err)) ||
        !call_answer(call, STATEMENT_OPERATOR_LEDGER, parameters, COUNT_OF(parameters), &view, err))
        return false;
    if (!call->json)
        ledger_print(view, call->arena, &call->out);
    if (!json_is_true(json_member(view, "balanced")))
        call->verdict = EXIT_FAILED;
    return true;
}

const struct command ledger_command = {
    .name = "ledger",
    .summary = "show that no accepted message was lost",
    .usage = "[--from DAY] [--to DAY] [--by channel|tenant] [--tenant CCID] [--recount] [--json]",
    .manual =
        "Shows how many messages were accepted, and in which states they are. The numbers are\n"
        "sums, which each transaction that accepts messages or changes their states keeps\n"
        "correct. In addition, provisioning-worker counts the stored messages of each day again\n"
        "and again: today and yesterday all the time, every other day twice a day. What it does\n"
        "not find is an imbalance. --recount counts all days of the range now, for all contact\n"
        "centers; its progress is shown on stderr, and you may kill and repeat it.\n"
        "\n"
        "A message that is not yet sent counts only while it is in the delivery queue. Of a long\n"
        "text the parts are counted, because each was accepted by itself: a part waits, is joined\n"
        "to a message, or is a copy. The last line says \"balanced\" or \"IMBALANCE n\". With an\n"
        "imbalance the exit code is 1: it is a defect, or somebody changed rows by hand.",
    .examples = "  nexusctl ledger\n"
                "  nexusctl ledger --recount\n"
                "  nexusctl ledger --from 2026-11-01 --to 2026-11-30 --by tenant\n"
                "  nexusctl ledger --tenant 578ec98e-0000-46ad-9675-000000000001 --json",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = ledger,
};
