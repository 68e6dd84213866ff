// provision_doc: see the header.
#include "nexusctl/provision_doc.h"

#include "io/crypto.h"
#include "store/statements.h"
#include "wire/codec_json.h"

struct maker {
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
    json_key_str(out, "name", key->name);
    json_key_str(out, "mac", buf_str(&hex));
    json_key_str(out, "prefix", str_make(value.ptr, API_KEY_PREFIX_LENGTH));
    json_key_bool(out, "given", given);
    json_key_raw(out, "permissions", key->permissions);
    json_key_str(out, "expires", key->expires);
    json_key_int(out, "capacity", key->capacity);
    json_key_int(out, "frequency", key->frequency);
    json_close(out, '}');
}

static void keys_write(struct maker *maker, struct str ccid, const struct file_key *keys,
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

// True when sealed holds exactly this secret. What does not open (another key-encryption key) is
// simply sealed anew.
static bool holds(const struct maker *maker, struct str sealed, struct str aad, struct str secret)
{
    AUTO(buf) plain = {0};
    struct err ignored;

    return str_present(sealed) && keyring_open(maker->keys->ring, aad, sealed, &plain, &ignored) &&
           crypto_equal(buf_str(&plain), secret);
}

// stored: what the database has, a list of sealed texts in the same order.
static bool secrets_write(struct maker *maker, struct str aad, const struct secrets *secrets,
                          const struct json_view *stored, struct err *err)
{
    json_open(maker->out, '[');
    for (size_t i = 0; i < secrets->count; i++) {
        struct str there = json_text(json_element(stored, i));
        AUTO(buf) sealed = {0};
        if (holds(maker, there, aad, secrets->texts[i]))
            buf_str_append(&sealed, there);
        else if (!keyring_seal(maker->keys->ring, aad, secrets->texts[i], &sealed, err))
            return false;
        json_str(maker->out, buf_str(&sealed));
    }
    json_close(maker->out, ']');
    return true;
}

static bool webhook_write(struct maker *maker, struct str ccid, const struct file_channel *channel,
                          const struct json_view *stored, struct err *err)
{
    AUTO(buf) aad = {0};

    secret_aad(&aad, ccid, channel->address, "webhook");
    json_open(maker->out, '{');
    json_key_str(maker->out, "url", channel->webhook.url);
    json_key_raw(maker->out, "headers", channel->webhook.headers);
    json_key(maker->out, "secrets");
    if (!secrets_write(maker, buf_str(&aad), &channel->webhook.secrets,
                       json_member(stored, "webhook"), err))
        return false;
    json_close(maker->out, '}');
    return true;
}

static bool stored_read(const struct maker *maker, struct str ccid, struct str address,
                        const struct json_view **stored, struct err *err)
{
    const struct str parameters[] = {ccid, address};
    struct str answer;

    return pg_script_ask(maker->script, statements[STATEMENT_CHANNEL_SECRETS].sql, parameters,
                         COUNT_OF(parameters), maker->arena, &answer, err) &&
           json_parse(answer, maker->arena, stored, err);
}

static bool channel_write(struct maker *maker, struct str ccid, const struct file_channel *channel,
                          struct err *err)
{
    const struct json_view *stored;
    AUTO(buf) aad = {0};

    if (!stored_read(maker, ccid, channel->address, &stored, err))
        return false;
    secret_aad(&aad, ccid, channel->address, "api");
    json_open(maker->out, '{');
    json_key_str(maker->out, "address", channel->address);
    json_key_int(maker->out, "kind", (int64_t)channel->kind);
    json_key_str(maker->out, "name", channel->name);
    json_key_str(maker->out, "provider", channel->provider);
    json_key_str(maker->out, "endpoint", channel->endpoint);
    json_key_bool(maker->out, "campaign_only", channel->campaign_only);
    json_key_int(maker->out, "uncertain_policy", channel->uncertain_policy);
    json_key_int(maker->out, "validity_ms", channel->validity_ms);
    json_key(maker->out, "secrets");
    if (!secrets_write(maker, buf_str(&aad), &channel->api, json_member(stored, "api"), err))
        return false;
    json_key(maker->out, "webhook");
    if (!webhook_write(maker, ccid, channel, stored, err))
        return false;
    json_close(maker->out, '}');
    return true;
}

static bool tenant_write(struct maker *maker, const struct file_tenant *tenant, struct err *err)
{
    json_open(maker->out, '{');
    json_key_str(maker->out, "ccid", tenant->ccid);
    json_key_str(maker->out, "name", tenant->name);
    json_key(maker->out, "keys");
    keys_write(maker, tenant->ccid, tenant->keys, tenant->key_count);
    json_key(maker->out, "channels");
    json_open(maker->out, '[');
    for (size_t i = 0; i < tenant->channel_count; i++)
        if (!channel_write(maker, tenant->ccid, &tenant->channels[i], err))
            return false;
    json_close(maker->out, ']');
    json_close(maker->out, '}');
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
    struct maker maker = {.keys = keys, .script = script, .arena = arena, .doc = doc, .out = &out};

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
