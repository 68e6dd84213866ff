// destinations: the webhooks that messages go to, and the actions of an operator on a failing one.
#include "nexusctl/commands.h"
#include "provisioning/rules.h"
#include "wire/json/codec_json.h"

enum { TENANT, STATE, AFTER, LIMIT };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .rule = uuid_check,
                .doc = "Only those of this contact center."},
    [STATE] = {"--state", NULL, "closed|open|half_open|off|unused|failing", .verb = "list",
               .doc = "only those in this state."},
    [AFTER] = {"--after", NULL, "NEXT", .verb = "list",
               .doc = "the next page; the end of a page shows NEXT."},
    [LIMIT] = {"--limit", NULL, "COUNT", .verb = "list", .minimum = 1, .maximum = 1000,
               .doc = "at most so many; 50 when left out."},
};

static struct str numbers_text(const struct json_view *destination, struct arena *arena)
{
    const struct json_view *numbers = json_member(destination, "numbers"), *number;
    AUTO(buf) text = {0};

    for (size_t i = 0; (number = json_element(numbers, i)) != NULL; i++)
        buf_printf(&text, "%s%.*s", i ? " " : "",
                   STR_ARG(json_text(json_member(number, "number"))));
    return arena_copy(arena, buf_str(&text));
}

// "503", or why there was none.
static struct str answer_text(const struct json_view *destination, struct arena *arena)
{
    const struct json_view *answer = json_member(destination, "lastAnswer");
    struct str kind = json_text(json_member(answer, "kind"));
    struct str detail = json_text(json_member(answer, "detail"));
    int64_t status;

    if (json_number(json_member(answer, "status"), &status))
        return arena_printf(arena, "%lld", (long long)status);
    return str_present(detail) ? arena_printf(arena, "%.*s: %.*s", STR_ARG(kind), STR_ARG(detail))
                               : kind;
}

// A closed breaker does not mean that a destination works: all its answers may be errors.
static struct str state_text(const struct json_view *destination, struct arena *arena)
{
    struct str state = json_text(json_member(destination, "state"));
    bool failing = json_is_true(json_member(destination, "failing"));

    (void)arena;
    return failing && str_equal(state, STR("closed")) ? STR("closed, failing") : state;
}

static const struct column columns[] = {
    {"ID", "id", NULL},
    {"CCID", "ccid", NULL},
    {"HOST", "host", NULL},
    {"NUMBERS", NULL, numbers_text},
    {"STATE", NULL, state_text},
    {"WAITING", "waiting", NULL},
    {"OLDEST", "oldest", NULL},
    {"LAST", NULL, answer_text},
    {"LAST AT", "lastAnswer.at", NULL},
    {"NEXT TRY", "nextTry", NULL},
};
static const struct listing list = {"destinations", columns, COUNT_OF(columns)};

static bool destinations_list(struct call *call, struct err *err)
{
    const struct str parameters[] = {
        option_text(call, TENANT), option_text(call, STATE), option_text(call, AFTER),
        arena_printf(call->arena, "%lld", (long long)option_number(call, LIMIT, 50))};

    return call_list(call, STATEMENT_OPERATOR_DESTINATIONS, parameters, COUNT_OF(parameters), &list,
                     err);
}

static bool change(struct call *call, enum statement statement, const char *done, struct err *err)
{
    const struct json_view *destination;

    if (call->argument_count == 0)
        return usage_set(call, err, "no destination is named: give its ID, as list shows it");
    const struct str parameters[] = {option_text(call, TENANT), call->arguments[0]};
    if (!call_answer(call, statement, parameters, COUNT_OF(parameters), &destination, err))
        return false;
    if (!call->json)
        buf_printf(&call->out, "destination %.*s (%.*s) %s\n", STR_ARG(call->arguments[0]),
                   STR_ARG(json_text(json_member(destination, "host"))), done);
    return true;
}

static bool destination_try(struct call *call, struct err *err)
{
    return change(call, STATEMENT_OPERATOR_DESTINATION_TRY, "is tried within seconds", err);
}

static bool destination_enable(struct call *call, struct err *err)
{
    return change(call, STATEMENT_OPERATOR_DESTINATION_ENABLE, "is switched on", err);
}

static bool destination_disable(struct call *call, struct err *err)
{
    return change(call, STATEMENT_OPERATOR_DESTINATION_DISABLE, "is switched off", err);
}

static const struct verb verbs[] = {
    {"list", "destinations, and how many messages wait for each", destinations_list, 0},
    {"try", "try a destination now", destination_try, 1},
    {"enable", "switch a destination on", destination_enable, 1},
    {"disable", "switch a destination off; its messages wait", destination_disable, 1},
};

const struct command destinations_command = {
    .name = "destinations",
    .summary = "show the webhooks that messages go to, and switch them",
    .usage = "[list|try ID|enable ID|disable ID] [--tenant CCID] [--state STATE] [--json]",
    .manual =
        "A destination is the webhook of a number. STATE: closed, messages are sent (failing:\n"
        "all its answers are errors); open, it failed and nothing is sent until NEXT TRY;\n"
        "half_open, the next message tries it; off, somebody switched it off; unused, no number\n"
        "has it. --state failing lists destinations whose messages wait because they fail or\n"
        "are off. LAST is the status of the last answer, or the reason why there was none. A\n"
        "change takes effect within seconds. A destination that is off stays off until it is\n"
        "enabled, or until its contact center is provisioned again.",
    .examples = "  nexusctl destinations --state failing\n"
                "  nexusctl destinations try 7\n"
                "  nexusctl destinations disable 7 --tenant 578ec98e-0000-46ad-9675-000000000001",
    .options = options,
    .option_count = COUNT_OF(options),
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
};
