// destinations: the webhooks that messages go to, and what an operator does about one that fails.
#include "nexusctl/commands.h"
#include "store/rules.h"
#include "wire/codec_json.h"

enum { TENANT, STATE, AFTER, LIMIT };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .rule = uuid_check,
                .doc = "Only those of this contact center."},
    [STATE] = {"--state", NULL, "closed|open|half_open|off|unused|failing", .verb = "list",
               .doc = "only those in this state."},
    [AFTER] = {"--after", NULL, "NEXT", .verb = "list",
               .doc = "go on after a page, which said it at its end."},
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

// A breaker that is closed does not make a destination good: all that it answers may be bad.
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
    {"list", "destinations, and what waits for each", destinations_list, 0},
    {"try", "try one now", destination_try, 1},
    {"enable", "switch one on", destination_enable, 1},
    {"disable", "switch one off; its messages wait", destination_disable, 1},
};

const struct command destinations_command = {
    .name = "destinations",
    .summary = "show the webhooks that messages go to, and switch them",
    .usage = "[list|try ID|enable ID|disable ID] [--tenant CCID] [--state STATE] [--json]",
    .manual =
        "A destination is the webhook of a number. STATE: closed, messages go out (failing, all\n"
        "that it answers is bad); open, it failed and is left alone until NEXT TRY; half_open, "
        "the\n"
        "next message is its test; off, somebody switched it off; unused, no number has it.\n"
        "--state failing lists those whose messages wait because they fail or are off. LAST is "
        "the\n"
        "status of the last answer, or what there was instead.\n"
        "Workers take up a change within seconds. One that is off stays so until it is enabled, "
        "or\n"
        "until its contact center is provisioned again.",
    .examples = "  nexusctl destinations --state failing\n"
                "  nexusctl destinations try 7\n"
                "  nexusctl destinations disable 7 --tenant 578ec98e-0000-46ad-9675-000000000001",
    .options = options,
    .option_count = COUNT_OF(options),
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
};
