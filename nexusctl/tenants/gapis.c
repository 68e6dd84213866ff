// gapis: the GWS installations that identify users (table nex_gapis). The client's secret is sealed
// here, so it is never in clear text in PostgreSQL, its logs or a backup.
#include "nexusctl/cli/secret_option.h"
#include "nexusctl/commands.h"
#include "provisioning/rules.h"
#include "secrets/keyring.h"
#include "secrets/secret.h"
#include "wire/json/codec_json.h"

enum { URL = SECRET_OPTIONS, CLIENT, BROWSER_URL, CENTER, OPERATORS };
static const struct option options[] = {
    [SECRET] = {"--secret", NULL, "TEXT", .verb = "add",
                .doc = "its secret; other users of this machine can see it in ps."},
    [SECRET_FILE] = {"--secret-file", NULL, "FILE", .verb = "add", .rule = file_check,
                     .doc = "the file that contains its secret."},
    [URL] = {"--url", NULL, "URL", .verb = "add", .rule = webhook_url_check,
             .doc = "the URL at which Nexus reaches GWS."},
    [CLIENT] = {"--client-id", NULL, "NAME", .verb = "add", .doc = "the client id of Nexus there."},
    [BROWSER_URL] = {"--browser-url", NULL, "URL", .verb = "add", .rule = webhook_url_check,
                     .doc = "the URL at which browsers reach it; --url if left out."},
    [CENTER] = {"--center", NULL, "CCID", .verb = "add", .rule = uuid_check,
                .doc = "a contact center it may vouch for; repeatable. Left out: any that no other "
                       "row names.",
                .repeats = true},
    [OPERATORS] = {"--operators", NULL, NULL, .verb = "add",
                   .doc = "its users without a contact center are operators."},
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

static void centers_write(const struct call *call, struct buf *doc)
{
    struct str center;
    size_t cursor = 0;

    json_key(doc, "centers");
    if (!option_given(call, CENTER)) {
        json_nil(doc);
        return;
    }
    json_open(doc, '[');
    while (option_next(call, CENTER, &cursor, &center))
        json_str(doc, center);
    json_close(doc, ']');
}

static bool doc_write(struct call *call, struct buf *doc, struct err *err)
{
    AUTO(buf) sealed = {0};

    if (!option_given(call, URL) || !option_given(call, CLIENT))
        return usage_set(call, err, "--url and --client-id are needed");
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
    centers_write(call, doc);
    json_close(doc, '}');
    return true;
}

static bool gapis_add(struct call *call, struct err *err)
{
    AUTO(buf) doc = {0};
    const struct json_view *row;

    if (!doc_write(call, &doc, err))
        return false;
    struct str parameter = buf_str(&doc);
    if (!call_answer(call, STATEMENT_GAPIS_ADD, &parameter, 1, &row, err))
        return false;
    if (!call->json)
        buf_printf(&call->out, "added as %.*s\n", STR_ARG(json_text(json_member(row, "id"))));
    return true;
}

static struct str centers_text(const struct json_view *row, struct arena *arena)
{
    const struct json_view *centers = json_member(row, "centers");

    if (json_kind(centers) != TREE_ARRAY)
        return STR("any that no other row names");
    return json_element(centers, 0) ? texts_join(centers, arena) : STR("none");
}

static const struct column columns[] = {
    {"ID", "id", NULL},
    {"URL", "url", NULL},
    {"CLIENT", "clientid", NULL},
    {"SECRET", "secret", NULL},
    {"OPERATORS", "operators", NULL},
    {"CENTERS", NULL, centers_text},
};
static const struct listing list = {"gapis", columns, COUNT_OF(columns)};

static bool gapis_list(struct call *call, struct err *err)
{
    return call_list(call, STATEMENT_GAPIS_LIST, NULL, 0, &list, err);
}

static bool gapis_remove(struct call *call, struct err *err)
{
    const struct json_view *row;
    int64_t id;

    if (call->argument_count != 1 || !str_to_int(call->arguments[0], 1, INT32_MAX, &id))
        return usage_set(call, err, "no row is named: give its ID, as list shows it");
    if (!call_answer(call, STATEMENT_GAPIS_REMOVE, &call->arguments[0], 1, &row, err))
        return false;
    if (!call->json)
        buf_printf(&call->out, "removed; users who logged in there are logged out\n");
    return true;
}

static const struct verb verbs[] = {
    {"list", "the GWS installations that identify users", gapis_list, 0},
    {"add", "add a GWS; its secret is sealed before the database sees it", gapis_add, 0},
    {"remove", "remove a GWS", gapis_remove, 1},
};

const struct command gapis_command = {
    .name = "gapis",
    .summary = "GWS installations: list, add, remove",
    .usage = "[list | add --url URL --client-id NAME --secret-file FILE | remove ID]",
    .manual =
        "A row of nex_gapis has the URL of a GWS, the client id of Nexus there, and the users\n"
        "who may log in: users of the contact centers that are named with --center, or without\n"
        "it users of any contact center that no other row names. Operators may log in only with\n"
        "--operators. The pages send users to the first row. The secret is sealed under\n"
        "NEXUS_KEY_ENCRYPTION_KEY, which must be that of the workers, before PostgreSQL sees\n"
        "it. After an INSERT by hand it is in clear text in PostgreSQL's log and in backups.",
    .examples =
        "  nexusctl gapis add --url https://gws.example.com --client-id nexus --operators \\\n"
        "                     --secret-file secret.txt\n"
        "  nexusctl gapis list\n"
        "  nexusctl gapis remove 2",
    .options = options,
    .option_count = COUNT_OF(options),
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
};
