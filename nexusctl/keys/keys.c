// keys: API keys of contact centers and of the cluster. A key is shown once, when it is made; the
// database holds a MAC of it.
#include "nexusctl/apply/provision_doc.h"
#include "nexusctl/commands.h"
#include "provisioning/rules.h"
#include "secrets/api_key.h"
#include "wire/json/codec_json.h"

static bool owner_check(struct str value, struct err *err)
{
    return str_equal(value, STR("*")) || uuid_check(value, err) ||
           err_set(err, ERR_BAD_INPUT, "must be a UUID, or '*' for cluster keys");
}

enum { TENANT, NAME, PERMISSION, CAPACITY, FREQUENCY, EXPIRES, DRY_RUN };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .rule = owner_check,
                .doc = "Whose keys; '*' for cluster keys."},
    [NAME] = {"--name", NULL, "NAME", .verb = "create", .doc = "what people call it."},
    [PERMISSION] = {"--permission", NULL, "PERMISSION", .verb = "create",
                    .rule = api_key_permission_check, .doc = "what it may do; repeatable.",
                    .repeats = true},
    [CAPACITY] = {"--capacity", NULL, "COUNT", .verb = "create", .maximum = 1000000,
                  .doc = "requests per frequency; 0: no limit; 120."},
    [FREQUENCY] = {"--frequency", NULL, "SECONDS", .verb = "create", .minimum = 1, .maximum = 86400,
                   .doc = "see capacity; 60 when left out."},
    [EXPIRES] = {"--expires", NULL, "TIME", .verb = "create", .rule = time_check,
                 .doc = "not valid from then on (RFC 3339)."},
    [DRY_RUN] = {"--dry-run", NULL, NULL, .doc = "Only say what would be done; exit code 3."},
};

static struct str state_text(const struct json_view *key, struct arena *arena)
{
    (void)arena;
    return json_is_true(json_member(key, "revoked"))    ? STR("revoked")
           : !json_is_true(json_member(key, "enabled")) ? STR("disabled")
           : json_is_true(json_member(key, "expired"))  ? STR("expired")
                                                        : STR("enabled");
}

static const struct column columns[] = {
    {"CCID", "ccid", NULL},      {"NAME", "name", NULL},       {"PREFIX", "prefix", NULL},
    {"STATE", NULL, state_text}, {"EXPIRES", "expires", NULL}, {"PERMISSIONS", "permissions", NULL},
};
static const struct listing list = {"keys", columns, COUNT_OF(columns)};

static bool keys_list(struct call *call, struct err *err)
{
    struct str tenant = option_text(call, TENANT);

    return call_list(call, STATEMENT_KEY_LIST, &tenant, 1, &list, err);
}

static struct str permissions_read(const struct call *call)
{
    AUTO(buf) permissions = {0};
    struct str permission;
    size_t cursor = 0;

    json_open(&permissions, '[');
    while (option_next(call, PERMISSION, &cursor, &permission))
        json_str(&permissions, permission);
    json_close(&permissions, ']');
    return arena_copy(call->arena, buf_str(&permissions));
}

static bool key_read(struct call *call, struct file_key *key, struct err *err)
{
    *key = (struct file_key){.name = option_text(call, NAME),
                             .expires = option_text(call, EXPIRES),
                             .expires_given = true,
                             .enabled = true,
                             .capacity = option_number(call, CAPACITY, API_KEY_CAPACITY),
                             .frequency = option_number(call, FREQUENCY, API_KEY_FREQUENCY_S)};
    if (!option_given(call, TENANT) || key->name.len == 0 || !option_given(call, PERMISSION))
        return usage_set(call, err, "--tenant, --name and --permission are needed");
    key->permissions = permissions_read(call);
    return true;
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
    // A crash here loses the value of an existing key: it cannot be used, and it can be replaced.
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

// The state is the word that the listing shows.
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
        !answer_parse(text, call->arena, &key, err))
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
    {"list", "list keys: names and first characters, never the keys", keys_list, 0},
    {"create", "make a key and print it, once: the database does not store it", keys_create, 0},
    {"disable", "refuse a key until it is enabled again", keys_disable, 1},
    {"enable", "accept a key again", keys_enable, 1},
    {"revoke", "refuse a key for good; its record stays", keys_revoke, 1},
};

const struct command keys_command = {
    .name = "keys",
    .summary = "list, create, disable and revoke API keys",
    .usage = "[list|create|disable|enable|revoke] [KEY] [OPTIONS]",
    .manual =
        "KEY is a key's name or its first characters, at least eight. If several keys match,\n"
        "name the contact center with --tenant. A change takes effect on all gateways within a "
        "second.\n"
        "create needs the same NEXUS_KEY_PEPPER as provisioning-worker.",
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
};
