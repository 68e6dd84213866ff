// apply: brings the database to the state that a file describes.
//
// The whole file is one transaction: after a crash or an error nothing of it was done. A dry run is
// the same transaction, rolled back.
#include "nexusctl/apply/provision_doc.h"
#include "nexusctl/apply/provision_file.h"
#include "nexusctl/commands.h"
#include "wire/json/shape.h"

enum { FILE_, DRY_RUN, PRUNE };
static const struct option options[] = {
    [FILE_] = {"--file", "-f", "FILE", .rule = file_check,
               .doc = "The wanted state, in YAML or JSON; - is standard input."},
    [DRY_RUN] = {"--dry-run", NULL, NULL,
                 .doc = "Only say what would be done; exit code 3 if anything."},
    [PRUNE] = {"--prune", NULL, NULL,
               .doc = "Also remove what the file's contact centers have and the file does not."},
};

static bool ring_read(void *context, struct arena *arena, struct str *text, struct err *err)
{
    const struct call *call = context;

    (void)arena, (void)err;
    *text = call->settings.key_encryption_key;
    return true;
}

static bool keys_load(struct call *call, struct provision_keys *keys, struct err *err)
{
    if (!secret_key_parse("NEXUS_KEY_PEPPER", call->settings.key_pepper, keys->pepper, err))
        return false;
    keys->ring = keyring_new(ring_read, call, err);
    return keys->ring != NULL;
}

static bool file_apply(struct call *call, struct pg_script *script,
                       const struct provision_file *file, const struct provision_keys *keys,
                       struct provision_doc *doc, const struct json_view **plan, struct err *err)
{
    // Two applies at once would take rows in the order of their files and could deadlock.
    static const char begin[] = "begin; select pg_advisory_xact_lock(hashtext('nexus.apply'))";

    struct str answer;

    if (!pg_script_run(script, begin, err) ||
        !provision_doc_make(file, keys, script, call->arena, doc, err))
        return false;
    const struct str parameters[] = {doc->json,
                                     option_given(call, PRUNE) ? STR("true") : STR("false")};
    return pg_script_ask(script, statements[STATEMENT_PROVISION_APPLY].sql, parameters,
                         COUNT_OF(parameters), call->arena, &answer, err) &&
           answer_parse(answer, call->arena, plan, err) &&
           pg_script_run(script, option_given(call, DRY_RUN) ? "rollback" : "commit", err);
}

static bool was_created(const struct json_view *plan, const struct fresh_key *key)
{
    const struct json_view *line;

    for (size_t i = 0; (line = json_element(plan, i)) != NULL; i++)
        if (str_equal(json_text(json_member(line, "action")), STR("create")) &&
            str_equal(json_text(json_member(line, "kind")), STR("key")) &&
            str_equal(json_text(json_member(line, "ccid")), key->ccid) &&
            str_equal(json_text(json_member(line, "name")), key->name))
            return true;
    return false;
}

// Keeps only those new keys that the database has stored.
static void fresh_keep(const struct json_view *plan, bool dry_run, struct provision_doc *doc)
{
    size_t kept = 0;

    for (size_t i = 0; i < doc->fresh_count && !dry_run; i++)
        if (was_created(plan, &doc->fresh[i]))
            doc->fresh[kept++] = doc->fresh[i];
    doc->fresh_count = kept;
}

static void plan_write(const struct json_view *plan, const struct provision_doc *doc, bool dry_run,
                       struct arena *arena, struct buf *out)
{
    json_open(out, '{');
    json_key_bool(out, "dryRun", dry_run);
    json_key_raw(out, "plan", json_compact(plan, arena));
    json_key(out, "keys");
    json_open(out, '[');
    for (size_t i = 0; i < doc->fresh_count; i++) {
        json_open(out, '{');
        json_key_str(out, "ccid", doc->fresh[i].ccid);
        json_key_str(out, "name", doc->fresh[i].name);
        json_key_str(out, "key", doc->fresh[i].key);
        json_close(out, '}');
    }
    json_close(out, ']');
    json_close(out, '}');
    buf_byte(out, '\n');
}

static size_t differing(const struct json_view *plan)
{
    const struct json_view *line;
    size_t count = 0;

    for (size_t i = 0; (line = json_element(plan, i)) != NULL; i++)
        count += !str_equal(json_text(json_member(line, "action")), STR("same"));
    return count;
}

static void plan_print(const struct json_view *plan, const struct provision_doc *doc, bool dry_run,
                       struct arena *arena, struct buf *out)
{
    static const struct column columns[] = {{NULL, "action", NULL},
                                            {NULL, "kind", NULL},
                                            {NULL, "ccid", NULL},
                                            {NULL, "name", NULL},
                                            {NULL, "changed", NULL}};
    static const struct listing list = {NULL, columns, COUNT_OF(columns)};

    listing_print(&list, plan, arena, out);
    for (size_t i = 0; i < doc->fresh_count; i++)
        buf_printf(out, "new key \"%.*s\" of %.*s, shown only now: %.*s\n",
                   STR_ARG(doc->fresh[i].name), STR_ARG(doc->fresh[i].ccid),
                   STR_ARG(doc->fresh[i].key));
    buf_printf(out, "%zu of %zu %s\n", differing(plan), shape_length(plan),
               dry_run ? "would change; nothing was done" : "changed");
}

static bool apply(struct call *call, struct err *err)
{
    bool dry_run = option_given(call, DRY_RUN);
    struct provision_keys keys = {.ring = NULL};
    struct provision_file file = {0};
    struct provision_doc doc = {0};
    struct pg_script *script = NULL;
    const struct json_view *plan;
    struct str text;

    if (!option_given(call, FILE_))
        return usage_set(call, err, "no file is named: give -f FILE");
    bool applied =
        call_read(call, option_text(call, FILE_), &text, err) &&
        provision_file_read(text, call->settings.webhook_https_only, call->arena, &file, err) &&
        keys_load(call, &keys, err) && call_connect(call, &script, err) &&
        call_introduce(call, script, err) &&
        file_apply(call, script, &file, &keys, &doc, &plan, err);
    pg_script_close(&script); // rolls back what is open
    keyring_free(&keys.ring);
    if (!applied)
        return false;

    fresh_keep(plan, dry_run, &doc);
    if (call->json)
        plan_write(plan, &doc, dry_run, call->arena, &call->out);
    else
        plan_print(plan, &doc, dry_run, call->arena, &call->out);
    call->verdict = dry_run && differing(plan) > 0 ? EXIT_DIFFERS : EXIT_DONE;
    return true;
}

static const char manual[] =
    "Creates what is missing and changes what differs, all in one transaction. If the file is\n"
    "applied again, nothing changes. Objects that the file does not mention stay, unless --prune\n"
    "is given: then everything else of the file's contact centers is removed (keys are revoked\n"
    "for good), and the plan shows it. Other contact centers and cluster keys are never pruned.\n"
    "The whole file is checked first; an error names the path, or line and column. A change\n"
    "takes effect within a second.\n"
    "\n"
    "  tenants:\n"
    "    - ccid: 578ec98e-0000-46ad-9675-000000000001\n"
    "      name: premise_tenant           # also type, backendurl, username, token, "
    "genesystemenantid\n"
    "      keys:                          # a key without its value is made, and shown once\n"
    "        - {name: designer, permissions: [\"nexus:designer:chat\"], expires: 2027-01-31}\n"
    "      services:                      # as over HTTP: url, data, secret\n"
    "        SMS: {data: {provider: Async}}\n"
    "      numbers:                       # section chat.<name> of NexusServices; domains: "
    "cxc.<name>\n"
    "        - address: +18445551212      # and any option of the section: cxcOnly, "
    "provider...\n"
    "          name: Support\n"
    "          endpoint: chat.sales\n"
    "          validity: 24h\n"
    "          uncertain: resend          # or hold\n"
    "          webhook:                   # its entry in the service Async, and provider: Async\n"
    "            url: https://sms.example.com/out\n"
    "            secret: [new, old]       # a text, or a list of two while it is being rotated\n"
    "          api: {secret: inbound}     # N/A removes it; left out, it stays\n"
    "      headers: {x-account: 12345}    # sent with every webhook\n"
    "      keywords: {stop: \"fin, slut\"}  # more words that mean STOP; also start, help\n"
    "      endpoints:                     # NexusEndpoints\n"
    "        sales: {queue: sales}\n"
    "      designer: {url: /nexus/v3}     # DesignerEnv\n"
    "  clusterKeys:\n"
    "    - {name: aggregator, permissions: [\"nexus:cluster:*\"], capacity: 0}\n"
    "\n"
    "A secret that the file leaves out does not change, and neither do enabled, expires,\n"
    "capacity and frequency of a key. All other members become what the file says, also those\n"
    "it leaves out. Protect a file with secrets as you protect the secrets. apply needs the same\n"
    "NEXUS_KEY_PEPPER and NEXUS_KEY_ENCRYPTION_KEY as the workers, and the same\n"
    "NEXUS_WEBHOOK_HTTPS_ONLY: if it is true, a webhook with http:// is refused.\n"
    "\n"
    "Exit codes: 0 applied, or a dry run that found nothing to do; 1 failed, nothing was done; 2 "
    "used\n"
    "wrongly; 3 a dry run that found something to do.";

const struct command apply_command = {
    .name = "apply",
    .summary = "create tenants, keys, services and numbers from a file",
    .usage = "-f FILE [--dry-run] [--prune] [--json]",
    .manual = manual,
    .examples = "  nexusctl apply -f tenants.yaml --dry-run\n"
                "  nexusctl apply -f tenants.yaml\n"
                "  nexusctl export --tenant 578ec98e-0000-46ad-9675-000000000001 >tenant.yaml\n"
                "  generate-tenants | nexusctl apply -f - --json",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = apply,
};
