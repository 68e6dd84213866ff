// provision_doc: see the header.
#include "nexusctl/apply/provision_doc.h"

#include "nexusctl/apply/stored_secrets.h"
#include "nexusctl/cli/command.h"
#include "provisioning/service_schema.h"
#include "provisioning/transaction_schema.h"
#include "secrets/api_key.h"
#include "store/statements.h"

struct doc_maker {
    const struct provision_keys *keys;
    struct pg_script *script;
    struct arena *arena;
    struct provision_doc *doc;
    struct buf *out;
};

void key_write(struct buf *out, const struct file_key *key, struct str value, bool given,
               const unsigned char pepper[SECRET_KEY_BYTES])
{
    AUTO(buf) hex = {0};

    api_key_mac_hex(pepper, value, &hex);
    json_open(out, '{');
    if (str_present(key->id))
        json_key_str(out, "id", key->id);
    json_key_str(out, "name", key->name);
    json_key_str(out, "mac", buf_str(&hex));
    json_key_str(out, "prefix", str_make(value.ptr, API_KEY_PREFIX_LENGTH));
    json_key_bool(out, "given", given);
    json_key_raw(out, "permissions", key->permissions);
    if (key->expires_given)
        json_key_str(out, "expires", key->expires);
    if (key->enabled != NOT_GIVEN)
        json_key_bool(out, "enabled", key->enabled);
    if (key->capacity != NOT_GIVEN)
        json_key_int(out, "capacity", key->capacity);
    if (key->frequency != NOT_GIVEN)
        json_key_int(out, "frequency", key->frequency);
    json_close(out, '}');
}

static void keys_write(struct doc_maker *maker, struct str ccid, const struct file_key *keys,
                       size_t count)
{
    json_open(maker->out, '[');
    for (size_t i = 0; i < count; i++) {
        bool given = str_present(keys[i].key);
        struct str value = given ? keys[i].key : api_key_text(api_key_new(), maker->arena);
        if (!given)
            maker->doc->fresh[maker->doc->fresh_count++] =
                (struct fresh_key){.ccid = ccid, .name = keys[i].name, .key = value};
        key_write(maker->out, &keys[i], value, given, maker->keys->pepper);
    }
    json_close(maker->out, ']');
}

static void text_write(struct buf *out, const char *name, struct str text)
{
    if (str_present(text))
        json_key_str(out, name, text);
}

static bool token_write(struct doc_maker *maker, const struct file_tenant *tenant,
                        const struct json_view *stored, struct err *err)
{
    struct stored_secrets with = {
        .ring = maker->keys->ring, .ccid = tenant->ccid, .secret = stored};
    const struct sealer sealer = stored_sealer(&with);
    AUTO(buf) sealed = {0};

    if (!str_present(tenant->token))
        return true;
    if (!sealer.seal(sealer.context, STR("tenant"), STR("token"), tenant->token, &sealed, err))
        return false;
    json_key_str(maker->out, "token", buf_str(&sealed));
    return true;
}

static bool services_write(struct doc_maker *maker, const struct file_tenant *tenant,
                           const struct json_view *stored, struct err *err)
{
    json_open(maker->out, '[');
    for (size_t i = 0; i < tenant->service_count; i++) {
        const struct file_service *service = &tenant->services[i];
        struct stored_secrets with = {
            .ring = maker->keys->ring,
            .ccid = tenant->ccid,
            .secret = json_member(stored, arena_c_string(maker->arena, service->name)),
        };
        const struct sealer sealer = stored_sealer(&with);
        struct service_document read;
        enum service_kind kind;
        if (!service_kind_named(service->name, &kind) ||
            !service_document_read(kind, service->document, service->path,
                                   false, // provision_file_read() has checked it
                                   &sealer, maker->arena, &read, err))
            return false;
        json_open(maker->out, '{');
        json_key_str(maker->out, "name", service->name);
        json_key_str(maker->out, "url", read.url);
        json_key_raw(maker->out, "data", read.data);
        json_key_raw(maker->out, "secret", read.secret);
        json_key_str(maker->out, "missing", read.missing);
        json_key_bool(maker->out, "partial", service->partial);
        json_close(maker->out, '}');
    }
    json_close(maker->out, ']');
    return true;
}

static bool sections_write(struct doc_maker *maker, const struct file_tenant *tenant,
                           const struct json_view *stored, struct err *err)
{
    json_open(maker->out, '[');
    for (size_t i = 0; i < tenant->section_count; i++) {
        const struct file_section *section = &tenant->sections[i];
        struct stored_secrets with = {
            .ring = maker->keys->ring,
            .ccid = tenant->ccid,
            .secret = json_member(json_member(stored, section->transaction),
                                  arena_c_string(maker->arena, section->section)),
        };
        const struct sealer sealer = stored_sealer(&with);
        struct section_document read;
        if (!section_document_read(str_of(section->transaction), section->section, section->options,
                                   section->path, &sealer, maker->arena, &read, err))
            return false;
        json_open(maker->out, '{');
        json_key_str(maker->out, "kind", str_of(section->kind));
        json_key_str(maker->out, "label", section->label);
        json_key_str(maker->out, "transaction", str_of(section->transaction));
        json_key_str(maker->out, "section", section->section);
        json_key_raw(maker->out, "options", read.options);
        json_key_raw(maker->out, "secret", str_present(read.secret) ? read.secret : STR("{}"));
        json_close(maker->out, '}');
    }
    json_close(maker->out, ']');
    return true;
}

static bool stored_read(const struct doc_maker *maker, struct str ccid,
                        const struct json_view **stored, struct err *err)
{
    struct str answer;

    return pg_script_ask(maker->script, statements[STATEMENT_PROVISION_SEALED].sql, &ccid, 1,
                         maker->arena, &answer, err) &&
           answer_parse(answer, maker->arena, stored, err);
}

static bool tenant_write(struct doc_maker *maker, const struct file_tenant *tenant, struct err *err)
{
    const struct json_view *stored;
    struct buf *out = maker->out;

    if (!stored_read(maker, tenant->ccid, &stored, err))
        return false;
    json_open(out, '{');
    json_key(out, "tenant");
    json_open(out, '{');
    json_key_str(out, "ccid", tenant->ccid);
    text_write(out, "name", tenant->name);
    text_write(out, "type", tenant->type);
    text_write(out, "backendurl", tenant->backend_url);
    text_write(out, "username", tenant->username);
    if (tenant->genesys_tenant_id != NOT_GIVEN)
        json_key_int(out, "genesystemenantid", tenant->genesys_tenant_id);
    if (!token_write(maker, tenant, stored, err))
        return false;
    json_close(out, '}');
    json_key(out, "keys");
    keys_write(maker, tenant->ccid, tenant->keys, tenant->key_count);
    json_key(out, "services");
    if (!services_write(maker, tenant, json_member(stored, "services"), err))
        return false;
    json_key(out, "sections");
    if (!sections_write(maker, tenant, json_member(stored, "transactions"), err))
        return false;
    json_close(out, '}');
    return true;
}

static size_t keys_count(const struct provision_file *file)
{
    size_t count = file->cluster_key_count;

    for (size_t i = 0; i < file->tenant_count; i++)
        count += file->tenants[i].key_count;
    return count;
}

bool provision_doc_make(const struct provision_file *file, const struct provision_keys *keys,
                        struct pg_script *script, struct arena *arena, struct provision_doc *doc,
                        struct err *err)
{
    AUTO(buf) out = {0};
    struct doc_maker maker = {
        .keys = keys, .script = script, .arena = arena, .doc = doc, .out = &out};

    *doc = (struct provision_doc){.fresh = ARENA_ARRAY(arena, struct fresh_key, keys_count(file))};
    json_open(&out, '{');
    json_key(&out, "tenants");
    json_open(&out, '[');
    for (size_t i = 0; i < file->tenant_count; i++)
        if (!tenant_write(&maker, &file->tenants[i], err))
            return false;
    json_close(&out, ']');
    json_key(&out, "clusterKeys");
    keys_write(&maker, STR("*"), file->cluster_keys, file->cluster_key_count);
    json_close(&out, '}');
    doc->json = arena_copy(arena, buf_str(&out));
    return true;
}
