// audit: the audit log, for people (list) and for other systems (export).
#include "nexusctl/commands.h"
#include "provisioning/rules.h"
#include "wire/json/codec_json.h"

enum { PAGE = 1000 };

// "key.revoke". The list of actions is open, because rows of older versions stay.
static bool action_check(struct str value, struct err *err)
{
    struct str object, verb;

    return (section_name_check(value, err) && str_cut(value, '.', &object, &verb) &&
            object.len > 0 && verb.len > 0) ||
           err_set(err, ERR_BAD_INPUT, "must be an action such as key.revoke");
}

enum { TENANT, FROM, TO, ACTOR, OBJECT, ACTION, AFTER, LIMIT, FORMAT };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .rule = uuid_check,
                .doc = "Only changes of this contact center."},
    [FROM] = {"--from", NULL, "TIME", .rule = time_check,
              .doc = "Changes at or after it (RFC 3339)."},
    [TO] = {"--to", NULL, "TIME", .rule = time_check, .doc = "Changes before it."},
    [ACTOR] = {"--actor", NULL, "WHO",
               .doc = "A user, or the name or first 13 characters of a key."},
    [OBJECT] = {"--object", NULL, "NAME", .doc = "Only changes of the object with this name."},
    [ACTION] = {"--action", NULL, "WHAT", .rule = action_check,
                .doc = "Only this action, such as key.revoke."},
    [AFTER] = {"--after", NULL, "NEXT", .verb = "list",
               .doc = "the next page; the end of a page shows NEXT."},
    [LIMIT] = {"--limit", NULL, "COUNT", .verb = "list", .minimum = 1, .maximum = PAGE,
               .doc = "at most so many; 100 when left out."},
    [FORMAT] = {"--format", NULL, "ndjson|csv", .verb = "export",
                .doc = "one JSON object on each line (the default), or CSV."},
};

static const struct column columns[] = {
    {"AT", "at", NULL},          {"CCID", "tenant", NULL},   {"ACTOR", "actor", NULL},
    {"NAME", "actorname", NULL}, {"BY", "credential", NULL}, {"ADDRESS", "address", NULL},
    {"ACTION", "action", NULL},  {"OBJECT", "object", NULL}, {"FIELDS", "fields", NULL},
};
static const struct listing list = {"changes", columns, COUNT_OF(columns)};

enum { PARAMETERS = 8 };

static void page_parameters(struct call *call, struct str after, int64_t count,
                            struct str parameters[static PARAMETERS])
{
    const struct str all[PARAMETERS] = {
        option_text(call, TENANT), after,
        option_text(call, FROM),   option_text(call, TO),
        option_text(call, ACTOR),  option_text(call, OBJECT),
        option_text(call, ACTION), arena_printf(call->arena, "%lld", (long long)count)};

    memcpy(parameters, all, sizeof all);
}

static bool audit_show(struct call *call, struct err *err)
{
    struct str parameters[PARAMETERS];

    page_parameters(call, option_text(call, AFTER), option_number(call, LIMIT, 100), parameters);
    return options_ordered(call, FROM, TO, err) &&
           call_list(call, STATEMENT_OPERATOR_AUDIT, parameters, PARAMETERS, &list, err);
}

// RFC 4180. A text that a spreadsheet would read as a formula gets an apostrophe before it.
static void csv_cell(struct buf *out, struct str text)
{
    buf_byte(out, '"');
    if (text.len && strchr("=+-@\t\r", text.ptr[0]))
        buf_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_byte(out, '"');
        buf_byte(out, (unsigned char)text.ptr[i]);
    }
    buf_byte(out, '"');
}

static void change_export(struct call *call, const struct json_view *change, bool csv)
{
    if (!csv) {
        struct str line = json_compact(change, call->arena);
        buf_printf(&call->out, "%.*s\n", STR_ARG(line));
        return;
    }
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        const struct json_view *member = json_member(change, columns[i].member);
        if (i)
            buf_byte(&call->out, ',');
        csv_cell(&call->out, json_kind(member) == TREE_ARRAY ? texts_join(member, call->arena)
                                                             : json_text(member));
    }
    buf_str_append(&call->out, STR("\r\n"));
}

// Writes one page, so that the reader need not wait for the whole log, and frees its memory. next:
// the page's "next"; empty if there is none.
static bool page_export(struct call *call, bool csv, struct buf *next, struct err *err)
{
    const struct json_view *page, *change;
    struct arena *arena = call->arena;
    struct str parameters[PARAMETERS], text;

    call->arena = arena_new();
    page_parameters(call, next->len ? arena_copy(call->arena, buf_str(next)) : STR_ABSENT, PAGE,
                    parameters);
    buf_clear(next);
    bool done = call_ask(call, STATEMENT_OPERATOR_AUDIT, parameters, PARAMETERS, &text, err) &&
                answer_parse(text, call->arena, &page, err);
    for (size_t i = 0; done && (change = json_element(json_member(page, "changes"), i)); i++)
        change_export(call, change, csv);
    if (done)
        buf_str_append(next, json_text(json_member(page, "next")));
    arena_free(&call->arena);
    call->arena = arena;
    return done && call_flush(call, err);
}

static bool audit_export(struct call *call, struct err *err)
{
    bool csv = str_equal(option_text(call, FORMAT), STR("csv"));
    AUTO(buf) next = {0};

    if (!options_ordered(call, FROM, TO, err))
        return false;
    for (size_t i = 0; csv && i < COUNT_OF(columns); i++)
        buf_printf(&call->out, "%s%s", columns[i].member, i + 1 < COUNT_OF(columns) ? "," : "\r\n");
    do {
        if (!page_export(call, csv, &next, err))
            return false;
    } while (next.len > 0);
    return true;
}

static const struct verb verbs[] = {
    {"list", "changes, the latest first", audit_show, 0},
    {"export", "all of them, for another system", audit_export, 0},
};

const struct command audit_command = {
    .name = "audit",
    .summary = "show who changed what",
    .usage = "[list|export] [OPTIONS]",
    .manual =
        "Each change that an administrator makes, over HTTP or with nexusctl, is recorded as a\n"
        "row: when, who, from which address, what, and the names of the fields that changed.\n"
        "Values are not stored. Rows cannot be changed or deleted; NEXUS_AUDIT_RETENTION says\n"
        "how long they are kept.",
    .examples =
        "  nexusctl audit list --action key.revoke\n"
        "  nexusctl audit list --tenant 578ec98e-0000-46ad-9675-000000000001 --from 2026-11-01\n"
        "  nexusctl audit export --format csv >audit.csv",
    .options = options,
    .option_count = COUNT_OF(options),
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
};
