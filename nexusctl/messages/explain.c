// explain: the history of one message, step by step.
#include "nexusctl/commands.h"
#include "provisioning/rules.h"
#include "wire/json/codec_json.h"

enum { TENANT };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .rule = uuid_check,
                .doc = "Only messages of this contact center."},
};

static struct str text_of(const struct json_view *object, const char *name)
{
    return json_text(json_member(object, name));
}

static struct str after_text(const struct json_view *step, struct arena *arena)
{
    int64_t ms = 0;

    (void)json_number(json_member(step, "afterMs"), &ms); // every step has it
    return arena_printf(arena, "+%lld.%03lld s", (long long)(ms / 1000), (long long)(ms % 1000));
}

// "attempt 2"
static struct str step_name(const struct json_view *step, struct arena *arena)
{
    int64_t attempt = 0;
    struct str name = text_of(step, "step");

    return str_equal(name, STR("attempt")) && json_number(json_member(step, "attempt"), &attempt)
               ? arena_printf(arena, "attempt %lld", (long long)attempt)
               : name;
}

static struct str what(const struct json_view *step, struct arena *arena)
{
    AUTO(buf) text = {0};
    struct str decision = text_of(step, "decision"), until = text_of(step, "until");
    const struct json_view *request = json_member(step, "request");
    struct str excerpt = text_of(json_member(step, "answer"), "excerpt");
    int64_t status = 0;

    if (json_kind(request) == TREE_OBJECT)
        buf_printf(&text, "%.*s %.*s%.*s: ", STR_ARG(text_of(request, "method")),
                   STR_ARG(text_of(request, "host")), STR_ARG(text_of(request, "path")));
    buf_str_append(&text, text_of(step, "text"));
    if (str_present(excerpt) &&
        json_number(json_member(json_member(step, "answer"), "status"), &status))
        buf_printf(&text, "; answer %.*s", STR_ARG(excerpt));
    // The text of a waiting step already contains the time.
    if (str_present(until) && !str_equal(text_of(step, "step"), STR("waiting")))
        buf_printf(&text, " (until %.*s)", STR_ARG(until));
    if (str_present(decision))
        buf_printf(&text, " [%.*s]", STR_ARG(decision));
    return arena_copy(arena, buf_str(&text));
}

static void head_print(const struct json_view *message, struct buf *out)
{
    static const struct {
        const char *member, *title;
    } lines[] = {{"ccid", "contact center"},
                 {"conversation", "conversation"},
                 {"externalId", "its sender's id"},
                 {"providerId", "the provider's id"},
                 {"trace", "trace"}};
    bool inbound = str_equal(text_of(message, "direction"), STR("in"));

    buf_printf(out, "message %.*s: %.*s, %.*s, %.*s %.*s (%.*s) %s %.*s\n",
               STR_ARG(text_of(message, "id")), STR_ARG(text_of(message, "state")),
               STR_ARG(text_of(message, "created")), STR_ARG(inbound ? STR("to") : STR("from")),
               STR_ARG(text_of(message, "channel")), STR_ARG(text_of(message, "number")),
               inbound ? "from" : "to", STR_ARG(text_of(message, "phone")));
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        if (str_present(text_of(message, lines[i].member)))
            buf_printf(out, "  %-18s %.*s\n", lines[i].title,
                       STR_ARG(text_of(message, lines[i].member)));
}

static const struct column of_steps[] = {
    {"AFTER", NULL, after_text},
    {"STEP", NULL, step_name},
    {"PROCESS", "process", NULL},
    {"WHAT", NULL, what},
};
static const struct listing steps = {"steps", of_steps, COUNT_OF(of_steps)};

static const struct column of_matches[] = {
    {"MESSAGE", "message.id", NULL},      {"CCID", "message.ccid", NULL},
    {"DIR", "message.direction", NULL},   {"STATE", "message.state", NULL},
    {"CREATED", "message.created", NULL}, {"ID GIVEN BY", "called", NULL},
};
static const struct listing matches = {"matches", of_matches, COUNT_OF(of_matches)};

static void explain_print(const struct json_view *view, struct arena *arena, struct buf *out)
{
    const struct json_view *found = json_member(view, "matches");

    if (json_element(found, 1)) {
        buf_str_append(out, STR("several messages have this id:\n"));
        listing_print(&matches, view, arena, out);
        return;
    }
    head_print(json_member(json_element(found, 0), "message"), out);
    listing_print(&steps, view, arena, out);
}

static bool explain(struct call *call, struct err *err)
{
    const struct json_view *view;

    if (call->argument_count != 1)
        return usage_set(call, err,
                         "no message is named: give its id, or the id that its sender or the "
                         "provider gave it");
    const struct str parameters[] = {option_text(call, TENANT), call->arguments[0]};
    if (!call_answer(call, STATEMENT_OPERATOR_TIMELINE, parameters, COUNT_OF(parameters), &view,
                     err))
        return false;
    if (!call->json)
        explain_print(view, call->arena, &call->out);
    return true;
}

const struct command explain_command = {
    .name = "explain",
    .summary = "show what happened to one message, step by step",
    .usage = "ID [--tenant CCID] [--json]",
    .manual =
        "ID is the id of the message in Nexus, or the id that its sender (message_id, clientId)\n"
        "or the provider gave it. If several messages have this id, they are listed. Each step\n"
        "shows its time after the first one, the process that made it, and in brackets what\n"
        "decided: dedupe, the gate before sending, the breaker of the destination, the class of\n"
        "an answer. Texts and phone numbers are not shown. Everything is read from PostgreSQL,\n"
        "so other programs need not run.",
    .examples = "  nexusctl explain 01890a5d-ac96-774b-bcce-b302099a8057\n"
                "  nexusctl explain mo-4711 --tenant 578ec98e-0000-46ad-9675-000000000001 --json",
    .options = options,
    .option_count = COUNT_OF(options),
    .arguments_limit = 1,
    .run = explain,
};
