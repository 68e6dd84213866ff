// audit: who changed what, for people (list) and for other systems (export).
#include "nexusctl/commands.h"
#include "nexusctl/table.h"
#include "store/rules.h"
#include "wire/codec_json.h"

enum { TENANT, FROM, TO, ACTOR, OBJECT, ACTION, AFTER, LIMIT, FORMAT };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .doc = "Only changes of this contact center."},
    [FROM] = {"--from", NULL, "TIME", .doc = "Changes at or after it (RFC 3339)."},
    [TO] = {"--to", NULL, "TIME", .doc = "Changes before it."},
    [ACTOR] = {"--actor", NULL, "WHO",
               .doc = "A user, or the name or first 13 characters of a key."},
    [OBJECT] = {"--object", NULL, "NAME", .doc = "Only changes of what is called so."},
    [ACTION] = {"--action", NULL, "WHAT", .doc = "Only this, such as key.revoke."},
    [AFTER] = {"--after", NULL, "NEXT",
               .doc = "list: go on after a page, which said it at its end."},
    [LIMIT] = {"--limit", NULL, "COUNT", .doc = "list: at most so many; 100 when left out."},
    [FORMAT] = {"--format", NULL, "ndjson|csv",
                .doc = "export: a JSON object a line, or CSV; ndjson."},
};

enum { PAGE = 1000, NEXT_LIMIT = 40 };

static const char *const members[] = {"at",      "tenant", "actor",  "actorname", "credential",
                                      "address", "action", "object", "fields"};

static bool page_ask(struct call *call, struct str after, int64_t count,
                     const struct json_view **page, struct str *text, struct err *err)
{
    if (!option_check(call, FROM, time_check, err) || !option_check(call, TO, time_check, err) ||
        !options_ordered(call, FROM, TO, err))
        return false;
    const struct str parameters[] = {
        option_text(call, TENANT), after,
        option_text(call, FROM),   option_text(call, TO),
        option_text(call, ACTOR),  option_text(call, OBJECT),
        option_text(call, ACTION), arena_printf(call->arena, "%lld", (long long)count)};
    return call_ask(call, STATEMENT_OPERATOR_AUDIT, parameters, COUNT_OF(parameters), text, err) &&
           answer_parse(*text, call->arena, page, err);
}

// The text of one member; a list is its elements with blanks between them.
static struct str member_text(const struct json_view *change, const char *name, struct arena *arena)
{
    const struct json_view *value = json_member(change, name), *element;
    AUTO(buf) list = {0};

    if (json_kind(value) != TREE_ARRAY)
        return json_text(value);
    for (size_t i = 0; (element = json_element(value, i)) != NULL; i++)
        buf_printf(&list, "%s%.*s", i ? " " : "", STR_ARG(json_text(element)));
    return arena_copy(arena, buf_str(&list));
}

static bool audit_show(struct call *call, struct err *err)
{
    static const char *const titles[] = {"AT",      "CCID",   "ACTOR",  "NAME",  "BY",
                                         "ADDRESS", "ACTION", "OBJECT", "FIELDS"};
    const struct json_view *page, *change;
    struct table table = {.columns = COUNT_OF(members)};
    int64_t limit = 100;
    struct str text;

    if (!option_number(call, LIMIT, 1, PAGE, &limit, err) ||
        !page_ask(call, option_text(call, AFTER), limit, &page, &text, err))
        return false;
    if (call->json) {
        buf_printf(&call->out, "%.*s\n", STR_ARG(text));
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(titles); i++)
        table_cell(&table, str_of(titles[i]));
    for (size_t i = 0; (change = json_element(json_member(page, "changes"), i)) != NULL; i++)
        for (size_t m = 0; m < COUNT_OF(members); m++)
            table_cell(&table, member_text(change, members[m], call->arena));
    table_print(&table, &call->out);
    struct str next = json_text(json_member(page, "next"));
    if (str_present(next))
        buf_printf(&call->out, "there are more changes; go on with --after %.*s\n", STR_ARG(next));
    return true;
}

// RFC 4180. Before what a spreadsheet would take for a formula stands an apostrophe.
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
    for (size_t m = 0; m < COUNT_OF(members); m++) {
        if (m)
            buf_byte(&call->out, ',');
        csv_cell(&call->out, member_text(change, members[m], call->arena));
    }
    buf_str_append(&call->out, STR("\r\n"));
}

// One page to the reader, who need not wait for the whole log, and whose memory goes with it. next: the page's
// "next"; empty where there is none.
static bool page_export(struct call *call, bool csv, char next[static NEXT_LIMIT + 1],
                        struct err *err)
{
    const struct json_view *page, *change;
    struct arena *arena = call->arena;
    struct str after = next[0] ? str_of(next) : STR_ABSENT, text;

    call->arena = arena_new();
    bool done = page_ask(call, after, PAGE, &page, &text, err);
    for (size_t i = 0; done && (change = json_element(json_member(page, "changes"), i)); i++)
        change_export(call, change, csv);
    if (done)
        snprintf(next, NEXT_LIMIT + 1, "%.*s", STR_ARG(json_text(json_member(page, "next"))));
    arena_free(&call->arena);
    call->arena = arena;
    return done && call_flush(call, err);
}

static bool audit_export(struct call *call, struct err *err)
{
    struct str format = option_given(call, FORMAT) ? option_text(call, FORMAT) : STR("ndjson");
    bool csv = str_equal(format, STR("csv"));
    char next[NEXT_LIMIT + 1] = "";

    if (!csv && !str_equal(format, STR("ndjson")))
        return usage_set(call, err, "--format: ndjson or csv is wanted");
    for (size_t m = 0; csv && m < COUNT_OF(members); m++)
        buf_printf(&call->out, "%s%s", members[m], m + 1 < COUNT_OF(members) ? "," : "\r\n");
    do {
        if (!page_export(call, csv, next, err))
            return false;
    } while (next[0]);
    return true;
}

static const struct verb verbs[] = {
    {"list", "changes, the latest first", audit_show},
    {"export", "all of them, for another system", audit_export},
};

const struct command audit_command = {
    .name = "audit",
    .summary = "tell who changed what",
    .usage = "[list|export] [OPTIONS]",
    .manual =
        "Each change that an administrator makes, over HTTP or with nexusctl, leaves a row: when,\n"
        "who, from which address, what, and the names of the fields that changed. Values are not\n"
        "kept. Rows can be neither changed nor deleted; NEXUS_AUDIT_RETENTION says how long they\n"
        "stay.",
    .examples =
        "  nexusctl audit list --action key.revoke\n"
        "  nexusctl audit list --tenant 578ec98e-0000-46ad-9675-000000000001 --from 2026-11-01\n"
        "  nexusctl audit export --format csv >audit.csv",
    .options = options,
    .option_count = COUNT_OF(options),
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
};
