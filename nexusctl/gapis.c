// gapis: the GWS installations that say who somebody is (table nex_gapis). The client's secret is sealed here, so
// neither PostgreSQL, its logs nor a backup has ever seen it in clear.
#include "nexusctl/commands.h"
#include "nexusctl/secret_option.h"
#include "nexusctl/table.h"
#include "store/keyring.h"
#include "store/rules.h"
#include "store/secret.h"
#include "wire/codec_json.h"

enum { URL = SECRET_OPTIONS, CLIENT, BROWSER_URL, CENTER, OPERATORS };
static const struct option options[] = {
    [SECRET] = {"--secret", NULL, "TEXT", .doc = "add: its secret; others here can see it in ps."},
    [SECRET_FILE] = {"--secret-file", NULL, "FILE",
                     .doc = "add: its secret is what stands in this file."},
    [URL] = {"--url", NULL, "URL", .doc = "add: where GWS is, as we reach it."},
    [CLIENT] = {"--client-id", NULL, "NAME", .doc = "add: who we are there."},
    [BROWSER_URL] = {"--browser-url", NULL, "URL",
                     .doc = "add: where browsers reach it; --url if left out."},
    [CENTER] =
        {"--center", NULL, "CCID",
         .doc =
             "add: a contact center it may vouch for; repeat it. Left out: any that no other row "
             "names.",
         .repeats = true},
    [OPERATORS] = {"--operators", NULL, NULL,
                   .doc = "add: its users without a contact center are operators."},
};

static bool ring_read(void *context, struct arena *arena, struct str *text, struct err *err)
{
    const struct call *call = context;

    (void)arena, (void)err;
    *text = call->settings.key_encryption_key;
    return true;
}

static bool secret_seal(struct call *call, struct buf *sealed, struct err *err)
{
    AUTO(buf) aad = {0};
    struct str secret;
    struct keyring *ring;

    if (!option_given(call, SECRET) && !option_given(call, SECRET_FILE))
        return true;
    if (!secret_option_read(call, &secret, err))
        return false;
    ring = keyring_new(ring_read, call, err);
    if (!ring)
        return false;
    secret_aad(&aad, STR("*"), option_text(call, CLIENT), "clientSecret");
    bool done = keyring_seal(ring, buf_str(&aad), secret, sealed, err);
    keyring_free(&ring);
    return done;
}

static bool centers_write(struct call *call, struct buf *doc, struct err *err)
{
    struct str center;
    size_t cursor = 0;
    struct id id;

    json_key(doc, "centers");
    if (!option_given(call, CENTER)) {
        json_nil(doc);
        return true;
    }
    json_open(doc, '[');
    while (option_next(call, CENTER, &cursor, &center)) {
        if (!id_parse(center, &id))
            return usage_set(call, err, "--center: not a UUID");
        json_str(doc, center);
    }
    json_close(doc, ']');
    return true;
}

static bool doc_write(struct call *call, struct buf *doc, struct err *err)
{
    static const size_t urls[] = {URL, BROWSER_URL};
    AUTO(buf) sealed = {0};

    if (call->argument_count > 0 || !option_given(call, URL) || !option_given(call, CLIENT))
        return usage_set(call, err, "--url and --client-id are needed");
    for (size_t i = 0; i < COUNT_OF(urls); i++)
        if (option_given(call, urls[i]) && !webhook_url_check(option_text(call, urls[i]), err))
            return err_in(err, options[urls[i]].name);
    if (!secret_seal(call, &sealed, err))
        return false;
    json_open(doc, '{');
    json_key_str(doc, "url", option_text(call, URL));
    json_key_str(doc, "clientid", option_text(call, CLIENT));
    json_key_str(doc, "secret", buf_str(&sealed));
    json_key_str(doc, "authinturl", option_text(call, URL));
    json_key_str(doc, "authexturl",
                 option_given(call, BROWSER_URL) ? option_text(call, BROWSER_URL)
                                                 : option_text(call, URL));
    json_key_bool(doc, "operators", option_given(call, OPERATORS));
    if (!centers_write(call, doc, err))
        return false;
    json_close(doc, '}');
    return true;
}

static bool gapis_add(struct call *call, struct err *err)
{
    AUTO(buf) doc = {0};
    const struct json_view *row;
    struct str text;

    if (!doc_write(call, &doc, err))
        return false;
    struct str parameter = buf_str(&doc);
    if (!call_ask(call, STATEMENT_GAPIS_ADD, &parameter, 1, &text, err) ||
        !answer_parse(text, call->arena, &row, err))
        return false;
    if (call->json)
        buf_printf(&call->out, "%.*s\n", STR_ARG(text));
    else
        buf_printf(&call->out, "added as %.*s\n", STR_ARG(json_text(json_member(row, "id"))));
    return true;
}

static struct str centers_text(const struct json_view *row, struct arena *arena)
{
    const struct json_view *centers = json_member(row, "centers"), *center;
    AUTO(buf) text = {0};

    if (json_kind(centers) != TREE_ARRAY)
        return STR("any that no other row names");
    for (size_t i = 0; (center = json_element(centers, i)) != NULL; i++)
        buf_printf(&text, "%s%.*s", i ? " " : "", STR_ARG(json_text(center)));
    return text.len > 0 ? arena_copy(arena, buf_str(&text)) : STR("none");
}

static bool gapis_list(struct call *call, struct err *err)
{
    static const char *const titles[] = {"ID", "URL", "CLIENT", "SECRET", "OPERATORS", "CENTERS"};
    struct table table = {.columns = COUNT_OF(titles)};
    const struct json_view *view, *row;
    struct str text;

    if (call->argument_count > 0)
        return usage_set(call, err, "list takes no words");
    if (!call_ask(call, STATEMENT_GAPIS_LIST, NULL, 0, &text, err) ||
        !answer_parse(text, call->arena, &view, err))
        return false;
    if (call->json) {
        buf_printf(&call->out, "%.*s\n", STR_ARG(text));
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(titles); i++)
        table_cell(&table, str_of(titles[i]));
    for (size_t i = 0; (row = json_element(json_member(view, "gapis"), i)) != NULL; i++) {
        table_cell(&table, json_text(json_member(row, "id")));
        table_cell(&table, json_text(json_member(row, "url")));
        table_cell(&table, json_text(json_member(row, "clientid")));
        table_cell(&table, json_text(json_member(row, "secret")));
        table_cell(&table, json_is_true(json_member(row, "operators")) ? STR("yes") : STR("no"));
        table_cell(&table, centers_text(row, call->arena));
    }
    table_print(&table, &call->out);
    return true;
}

static bool gapis_remove(struct call *call, struct err *err)
{
    struct str text;
    int64_t id;

    if (call->argument_count != 1 || !str_to_int(call->arguments[0], 1, INT32_MAX, &id))
        return usage_set(call, err, "no row is named: give its ID, as list shows it");
    if (!call_ask(call, STATEMENT_GAPIS_REMOVE, &call->arguments[0], 1, &text, err))
        return false;
    if (call->json)
        buf_printf(&call->out, "%.*s\n", STR_ARG(text));
    else
        buf_printf(&call->out, "removed; who logged in there is logged out\n");
    return true;
}

static const struct verb verbs[] = {
    {"list", "the GWS installations that say who somebody is", gapis_list},
    {"add", "add one; its secret is sealed before the database sees it", gapis_add},
    {"remove", "remove one", gapis_remove},
};

const struct command gapis_command = {
    .name = "gapis",
    .summary = "GWS installations: list, add, remove",
    .usage = "[list | add --url URL --client-id NAME --secret-file FILE | remove ID]",
    .manual =
        "A row of nex_gapis says where a GWS is, who we are there, and for whom it may vouch: for\n"
        "the contact centers that are named with --center, or else for any that no other row\n"
        "names; for operators only with --operators. People log in at the first row. The secret\n"
        "is sealed here under NEXUS_KEY_ENCRYPTION_KEY, the same as the workers have; an INSERT\n"
        "by hand leaves it in clear in PostgreSQL's log and in backups until it is sealed.",
    .examples =
        "  nexusctl gapis add --url https://gws.example.com --client-id nexus --operators \\\n"
        "                     --secret-file secret.txt\n"
        "  nexusctl gapis list\n"
        "  nexusctl gapis remove 2",
    .options = options,
    .option_count = COUNT_OF(options),
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
    .arguments_limit = 1,
};
