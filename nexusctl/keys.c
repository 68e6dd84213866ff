// keys: API keys of contact centers and of the cluster. A key is shown once, when it is made; the
// database holds a MAC of it.
#include "nexusctl/commands.h"
#include "nexusctl/provision_doc.h"
#include "nexusctl/table.h"
#include "store/api_key.h"
#include "store/rules.h"
#include "wire/codec_json.h"

enum { TENANT, NAME, PERMISSION, CAPACITY, FREQUENCY, EXPIRES, DRY_RUN };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .doc = "Whose keys; '*' for cluster keys."},
    [NAME] = {"--name", NULL, "NAME", .doc = "create: what people call it."},
    [PERMISSION] = {"--permission", NULL, "PERMISSION",
                    .doc = "create: what it may do; may be repeated.", .repeats = true},
    [CAPACITY] = {"--capacity", NULL, "COUNT",
                  .doc = "create: requests per frequency; 0: no limit; 120."},
    [FREQUENCY] = {"--frequency", NULL, "SECONDS",
                   .doc = "create: see capacity; 60 when left out."},
    [EXPIRES] = {"--expires", NULL, "TIME", .doc = "create: not good from then on (RFC 3339)."},
    [DRY_RUN] = {"--dry-run", NULL, NULL, .doc = "Only say what would be done; exit code 3."},
};

static struct str list_text(const struct json_view *list, struct arena *arena)
{
    const struct json_view *element;
    AUTO(buf) text = {0};

    for (size_t i = 0; (element = json_element(list, i)) != NULL; i++)
        buf_printf(&text, "%s%.*s", i ? " " : "", STR_ARG(json_text(element)));
    return arena_copy(arena, buf_str(&text));
}

static struct str state_text(const struct json_view *key)
{
    return json_is_true(json_member(key, "revoked"))    ? STR("revoked")
           : !json_is_true(json_member(key, "enabled")) ? STR("disabled")
           : json_is_true(json_member(key, "expired"))  ? STR("expired")
                                                        : STR("enabled");
}

static void keys_print(const struct json_view *keys, struct arena *arena, struct buf *out)
{
    static const struct str titles[] = {STR_INIT("CCID"),    STR_INIT("NAME"),
                                        STR_INIT("PREFIX"),  STR_INIT("STATE"),
                                        STR_INIT("EXPIRES"), STR_INIT("PERMISSIONS")};
    struct table table = {.columns = COUNT_OF(titles)};
    const struct json_view *key;

    for (size_t i = 0; i < COUNT_OF(titles); i++)
        table_cell(&table, titles[i]);
    for (size_t i = 0; (key = json_element(keys, i)) != NULL; i++) {
        table_cell(&table, json_text(json_member(key, "ccid")));
        table_cell(&table, json_text(json_member(key, "name")));
        table_cell(&table, json_text(json_member(key, "prefix")));
        table_cell(&table, state_text(key));
        table_time(&table, json_text(json_member(key, "expires")));
        table_cell(&table, list_text(json_member(key, "permissions"), arena));
    }
    table_print(&table, out);
}

static bool keys_list(struct call *call, struct err *err)
{
    struct str tenant = option_text(call, TENANT), text;
    const struct json_view *view;

    if (!call_ask(call, STATEMENT_KEY_LIST, &tenant, 1, &text, err) ||
        !json_parse(text, call->arena, &view, err))
        return false;
    if (call->json)
        buf_printf(&call->out, "%.*s\n", STR_ARG(text));
    else
        keys_print(json_member(view, "keys"), call->arena, &call->out);
    return true;
}

static struct str permissions_read(const struct call *call)
{
    AUTO(buf) list = {0};
    struct str permission;
    size_t cursor = 0;

    json_open(&list, '[');
    while (option_next(call, PERMISSION, &cursor, &permission))
        json_str(&list, permission);
    json_close(&list, ']');
    return arena_copy(call->arena, buf_str(&list));
}

static bool key_read(struct call *call, struct file_key *key, struct err *err)
{
    *key = (struct file_key){.name = option_text(call, NAME),
                             .expires = option_text(call, EXPIRES),
                             .expires_given = true,
                             .enabled = true,
                             .capacity = 120,
                             .frequency = 60};
    if (!option_given(call, TENANT) || key->name.len == 0 || !option_given(call, PERMISSION))
        return usage_set(call, err, "--tenant, --name and --permission are needed");
    key->permissions = permissions_read(call);
    return option_check(call, EXPIRES, time_check, err) &&
           option_check(call, PERMISSION, api_key_permission_check, err) &&
           option_number(call, CAPACITY, 0, 1000000, &key->capacity, err) &&
           option_number(call, FREQUENCY, 1, 86400, &key->frequency, err);
}

static bool keys_create(struct call *call, struct err *err)
{
    unsigned char pepper[SECRET_KEY_BYTES];
    AUTO(buf) doc = {0};
    struct file_key key;
    struct str made;

    if (!key_read(call, &key, err) ||
        !secret_key_parse("NEXUS_KEY_PEPPER", call->settings.key_pepper, pepper, err))
        return false;
    struct str value = api_key_text(api_key_new(), call->arena);
    key_write(&doc, &key, value, true, pepper);
    const struct str parameters[] = {option_text(call, TENANT), buf_str(&doc)};
    if (!call_try(call, STATEMENT_KEY_CREATE, parameters, COUNT_OF(parameters),
                  option_given(call, DRY_RUN), &made, err))
        return false;
    if (option_given(call, DRY_RUN)) {
        buf_printf(&call->out, call->json ? "{\"dryRun\":true}\n"
                                          : "the key would be made; nothing was done\n");
        call->verdict = EXIT_DIFFERS;
        return true;
    }
    // Dying here loses the value of a key that exists: nobody can use it, and it can be replaced.
    if (!call->json) {
        buf_printf(&call->out, "%.*s\n", STR_ARG(value));
        return true;
    }
    json_open(&call->out, '{');
    json_key_str(&call->out, "key", value);
    json_key_raw(&call->out, "details", made);
    json_close(&call->out, '}');
    buf_byte(&call->out, '\n');
    return true;
}

// The state is the participle that the listing shows.
static bool key_state_set(struct call *call, const char *state, struct err *err)
{
    const struct json_view *key;
    struct str text;

    if (call->argument_count == 0)
        return usage_set(call, err, "no key is named: give its name or its first characters");
    const struct str parameters[] = {option_text(call, TENANT), call->arguments[0], str_of(state)};
    bool dry_run = option_given(call, DRY_RUN);
    if (!call_try(call, STATEMENT_OPERATOR_KEY_STATE, parameters, COUNT_OF(parameters), dry_run,
                  &text, err) ||
        !json_parse(text, call->arena, &key, err))
        return false;
    if (call->json)
        buf_printf(&call->out, "%.*s\n", STR_ARG(text));
    else
        buf_printf(&call->out, "key \"%.*s\" (%.*s…) of %.*s %s %s%s\n",
                   STR_ARG(json_text(json_member(key, "name"))),
                   STR_ARG(json_text(json_member(key, "prefix"))),
                   STR_ARG(json_text(json_member(key, "ccid"))), dry_run ? "would be" : "is", state,
                   dry_run ? "; nothing was done" : "");
    call->verdict = dry_run ? EXIT_DIFFERS : EXIT_DONE;
    return true;
}

static bool keys_enable(struct call *call, struct err *err)
{
    return key_state_set(call, "enabled", err);
}

static bool keys_disable(struct call *call, struct err *err)
{
    return key_state_set(call, "disabled", err);
}

static bool keys_revoke(struct call *call, struct err *err)
{
    return key_state_set(call, "revoked", err);
}

static const struct verb verbs[] = {
    {"list", "what keys there are: names and first characters, never the keys", keys_list},
    {"create", "make one and print it, once: the database cannot give it back", keys_create},
    {"disable", "refuse it until it is enabled again", keys_disable},
    {"enable", "take it again", keys_enable},
    {"revoke", "refuse it for good; its record stays", keys_revoke},
};

const struct command keys_command = {
    .name = "keys",
    .summary = "list, create, disable and revoke API keys",
    .usage = "[list|create|disable|enable|revoke] [KEY] [OPTIONS]",
    .manual =
        "KEY is a key's name or its first characters, eight at least; where several are called "
        "so,\n--tenant says whose. A change takes effect on all gateways within a second.\n"
        "create needs NEXUS_KEY_PEPPER, the same as provisioning-worker has.",
    .examples =
        "  nexusctl keys list --tenant 578ec98e-0000-46ad-9675-000000000001\n"
        "  nexusctl keys create --tenant 578ec98e-0000-46ad-9675-000000000001 --name designer \\\n"
        "    --permission nexus:designer:chat --expires 2027-01-31\n"
        "  nexusctl keys create --tenant '*' --name aggregator --permission 'nexus:cluster:*' \\\n"
        "    --capacity 0\n"
        "  nexusctl keys disable designer --tenant 578ec98e-0000-46ad-9675-000000000001\n"
        "  nexusctl keys revoke 9b7682b7-cbce",
    .options = options,
    .option_count = COUNT_OF(options),
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
    .arguments_limit = 1,
};
