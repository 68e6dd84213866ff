// provision_file: from outside to inside: file, tenant, key, channel, webhook. Each level is a
// struct of raw members, read by a table, then made into what the header promises.
#include "nexusctl/provision_file.h"

#include "base/id.h"
#include "base/map.h"
#include "store/rules.h"
#include "store/webhook_headers.h"
#include "wire/codec_yaml.h"
#include "wire/phone.h"
#include "wire/shape.h"

#include <ctype.h>

enum {
    ELEMENTS_LIMIT = 10000,
    PERMISSIONS_LIMIT = 16,
    SECRET_LIMIT = 256,
};

static struct str lower(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.len + 1);

    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)tolower((unsigned char)text.ptr[i]);
    return str_make(copy, text.len);
}

// One name must not stand for two things: applied twice, the file would do two different things.
static bool once(struct map *seen, struct str name, struct str path, struct err *err)
{
    if (map_put(seen, name, seen))
        return shape_fault(err, path, "stands twice in the file");
    return true;
}

// Keys.

struct raw_key {
    struct str name, key, expires;
    const struct json_view *permissions;
    int64_t capacity, frequency;
};

static const struct member key_members[] = {
    MEMBER_TEXT(raw_key, name, "name", REQUIRED, 1, 128, NULL),
    MEMBER_TEXT(raw_key, key, "key", OPTIONAL, 36, 36, uuid_check),
    MEMBER_LIST(raw_key, permissions, "permissions", REQUIRED, 1, PERMISSIONS_LIMIT),
    MEMBER_NUMBER(raw_key, capacity, "capacity", OPTIONAL, 0, 1000000),
    MEMBER_NUMBER(raw_key, frequency, "frequency", OPTIONAL, 1, 86400),
    MEMBER_TEXT(raw_key, expires, "expires", OPTIONAL, 10, 20, time_check),
};

static bool permissions_check(const struct json_view *list, struct str path, struct arena *arena,
                              struct err *err)
{
    const struct json_view *element;
    struct str text;

    for (size_t i = 0; (element = json_element(list, i)) != NULL; i++)
        if (!shape_text(element, shape_path_at(arena, path, "permissions", i), 5, 128,
                        permission_check, &text, err))
            return false;
    return true;
}

static bool key_read(const struct json_view *view, struct str path, struct arena *arena,
                     struct file_key *key, struct err *err)
{
    struct raw_key raw = {.capacity = 120, .frequency = 60};

    if (!shape_read(view, path, key_members, COUNT_OF(key_members), arena, &raw, err) ||
        !permissions_check(raw.permissions, path, arena, err))
        return false;
    *key = (struct file_key){
        .name = raw.name,
        .key = raw.key,
        .permissions = json_compact(raw.permissions, arena),
        .expires = raw.expires,
        .capacity = raw.capacity,
        .frequency = raw.frequency,
    };
    return true;
}

static bool keys_read(const struct json_view *list, struct str path, const char *name,
                      struct arena *arena, struct file_key **keys, size_t *count, struct err *err)
{
    struct map *seen = map_new();
    bool good = true;

    *count = shape_length(list);
    *keys = ARENA_ARRAY(arena, struct file_key, *count);
    for (size_t i = 0; good && i < *count; i++) {
        struct str at = shape_path_at(arena, path, name, i);
        good = key_read(json_element(list, i), at, arena, &(*keys)[i], err) &&
               once(seen, (*keys)[i].name, shape_path(arena, at, "name"), err);
    }
    map_free(&seen);
    return good;
}

// Channels and their webhooks.

static bool secrets_read(const struct json_view *view, struct str path, struct arena *arena,
                         struct secrets *secrets, struct err *err)
{
    const struct json_view *element;
    size_t count = shape_length(view);

    if (json_kind(view) != TREE_ARRAY) {
        secrets->count = 1;
        return shape_text(view, path, 1, SECRET_LIMIT, NULL, &secrets->texts[0], err);
    }
    if (count < 1 || count > SECRETS_LIMIT)
        return shape_fault(err, path, "a text or a list of one or two is wanted");
    for (; (element = json_element(view, secrets->count)) != NULL; secrets->count++)
        if (!shape_text(element, shape_path_at(arena, path, "", secrets->count), 1, SECRET_LIMIT,
                        NULL, &secrets->texts[secrets->count], err))
            return false;
    return true;
}

struct raw_webhook {
    struct str url;
    const struct json_view *secret, *headers;
};

static const struct member webhook_members[] = {
    MEMBER_TEXT(raw_webhook, url, "url", REQUIRED, 1, 2048, webhook_url_check),
    MEMBER_ANY(raw_webhook, secret, "secret", REQUIRED),
    MEMBER_OBJECT(raw_webhook, headers, "headers"),
};

static bool headers_check(const struct json_view *headers, struct str path, struct arena *arena,
                          struct err *err)
{
    struct str at = shape_path(arena, path, "headers"), name;
    const struct json_view *value;
    size_t cursor = 0;

    while (json_object_next(headers, &cursor, &name, &value)) {
        struct str text = json_text(value);
        if (cursor > WEBHOOK_HEADERS_LIMIT)
            return shape_fault(err, at, "too many headers");
        if (!str_present(text) || !webhook_header_is_allowed(name, text))
            return shape_fault(err, shape_path(arena, at, arena_c_string(arena, name)),
                               "a header's name is a token and none of those Nexus sets; its value "
                               "is a text without control characters");
    }
    return true;
}

static bool webhook_read(const struct json_view *view, struct str path, struct arena *arena,
                         struct file_webhook *webhook, struct err *err)
{
    struct raw_webhook raw = {0};

    if (!shape_read(view, path, webhook_members, COUNT_OF(webhook_members), arena, &raw, err) ||
        !secrets_read(raw.secret, shape_path(arena, path, "secret"), arena, &webhook->secrets,
                      err) ||
        !headers_check(raw.headers, path, arena, err))
        return false;
    webhook->url = raw.url;
    webhook->headers = raw.headers ? json_compact(raw.headers, arena) : STR("{}");
    return true;
}

struct raw_channel {
    struct str address, kind, name, provider, endpoint, validity, uncertain;
    bool campaign_only;
    const struct json_view *webhook, *api;
};

static const struct member channel_members[] = {
    MEMBER_TEXT(raw_channel, address, "address", REQUIRED, 3, 253, NULL),
    MEMBER_TEXT(raw_channel, kind, "kind", REQUIRED, 1, 16, kind_check),
    MEMBER_TEXT(raw_channel, name, "name", REQUIRED, 1, 64, section_name_check),
    MEMBER_TEXT(raw_channel, provider, "provider", OPTIONAL, 1, 64, provider_check),
    MEMBER_TEXT(raw_channel, endpoint, "endpoint", OPTIONAL, 0, 128, NULL),
    MEMBER_FLAG(raw_channel, campaign_only, "cxcOnly"),
    MEMBER_TEXT(raw_channel, validity, "validity", OPTIONAL, 2, 16, validity_check),
    MEMBER_TEXT(raw_channel, uncertain, "uncertain", OPTIONAL, 1, 16, uncertain_check),
    MEMBER_OBJECT(raw_channel, webhook, "webhook"),
    MEMBER_OBJECT(raw_channel, api, "api"),
};

struct raw_api {
    const struct json_view *secret;
};

static const struct member api_members[] = {
    MEMBER_ANY(raw_api, secret, "secret", REQUIRED),
};

static bool api_read(const struct json_view *view, struct str path, struct arena *arena,
                     struct secrets *secrets, struct err *err)
{
    struct raw_api raw = {0};

    return shape_read(view, path, api_members, COUNT_OF(api_members), arena, &raw, err) &&
           secrets_read(raw.secret, shape_path(arena, path, "secret"), arena, secrets, err);
}

static bool address_read(const struct raw_channel *raw, struct str path, struct arena *arena,
                         struct file_channel *channel, struct err *err)
{
    struct str at = shape_path(arena, path, "address");
    char number[PHONE_MAX];
    size_t length;
    struct err broken;

    if (str_equal(raw->kind, STR("email"))) {
        channel->kind = CHANNEL_EMAIL;
        channel->address = raw->address;
        return domain_check(raw->address, &broken) || shape_fault(err, at, broken.text);
    }
    if (!phone_normalize(raw->address, number, &length))
        return shape_fault(err, at, PHONE_RULE);
    channel->kind = CHANNEL_SMS;
    channel->address = arena_copy(arena, str_make(number, length));
    return true;
}

static bool channel_read(const struct json_view *view, struct str path, struct arena *arena,
                         struct file_channel *channel, struct err *err)
{
    struct raw_channel raw = {.provider = STR("Async"),
                              .endpoint = STR(""),
                              .validity = STR("24h"),
                              .uncertain = STR("resend")};

    if (!shape_read(view, path, channel_members, COUNT_OF(channel_members), arena, &raw, err) ||
        !address_read(&raw, path, arena, channel, err) ||
        !str_to_duration_ms(raw.validity, &channel->validity_ms))
        return false;
    if (!raw.webhook)
        return shape_fault(err, shape_path(arena, path, "webhook"),
                           "is missing; the provider Async delivers to it");
    channel->name = raw.name;
    channel->provider = raw.provider;
    channel->endpoint = raw.endpoint;
    channel->campaign_only = raw.campaign_only;
    channel->uncertain_policy = str_equal(raw.uncertain, STR("hold")) ? 2 : 1;
    return webhook_read(raw.webhook, shape_path(arena, path, "webhook"), arena, &channel->webhook,
                        err) &&
           (!raw.api ||
            api_read(raw.api, shape_path(arena, path, "api"), arena, &channel->api, err));
}

static bool channels_read(const struct json_view *list, struct str path, struct arena *arena,
                          struct file_tenant *tenant, struct err *err)
{
    struct map *seen = map_new();
    bool good = true;

    tenant->channel_count = shape_length(list);
    tenant->channels = ARENA_ARRAY(arena, struct file_channel, tenant->channel_count);
    for (size_t i = 0; good && i < tenant->channel_count; i++) {
        struct str at = shape_path_at(arena, path, "channels", i);
        good = channel_read(json_element(list, i), at, arena, &tenant->channels[i], err) &&
               once(seen, tenant->channels[i].address, shape_path(arena, at, "address"), err);
    }
    map_free(&seen);
    return good;
}

// Tenants.

struct raw_tenant {
    struct str ccid, name;
    const struct json_view *keys, *channels;
};

static const struct member tenant_members[] = {
    MEMBER_TEXT(raw_tenant, ccid, "ccid", REQUIRED, 36, 36, uuid_check),
    MEMBER_TEXT(raw_tenant, name, "name", REQUIRED, 1, 128, NULL),
    MEMBER_LIST(raw_tenant, keys, "keys", OPTIONAL, 0, ELEMENTS_LIMIT),
    MEMBER_LIST(raw_tenant, channels, "channels", OPTIONAL, 0, ELEMENTS_LIMIT),
};

static bool tenant_read(const struct json_view *view, struct str path, struct arena *arena,
                        struct file_tenant *tenant, struct err *err)
{
    struct raw_tenant raw = {0};

    if (!shape_read(view, path, tenant_members, COUNT_OF(tenant_members), arena, &raw, err))
        return false;
    tenant->ccid = lower(arena, raw.ccid);
    tenant->name = raw.name;
    return keys_read(raw.keys, path, "keys", arena, &tenant->keys, &tenant->key_count, err) &&
           channels_read(raw.channels, path, arena, tenant, err);
}

static bool tenants_read(const struct json_view *list, struct arena *arena,
                         struct provision_file *file, struct err *err)
{
    struct map *seen = map_new();
    bool good = true;

    file->tenant_count = shape_length(list);
    file->tenants = ARENA_ARRAY(arena, struct file_tenant, file->tenant_count);
    for (size_t i = 0; good && i < file->tenant_count; i++) {
        struct str at = shape_path_at(arena, STR(""), "tenants", i);
        good = tenant_read(json_element(list, i), at, arena, &file->tenants[i], err) &&
               once(seen, file->tenants[i].ccid, shape_path(arena, at, "ccid"), err);
    }
    map_free(&seen);
    return good;
}

struct raw_file {
    const struct json_view *tenants, *cluster_keys;
};

static const struct member file_members[] = {
    MEMBER_LIST(raw_file, tenants, "tenants", OPTIONAL, 0, ELEMENTS_LIMIT),
    MEMBER_LIST(raw_file, cluster_keys, "clusterKeys", OPTIONAL, 0, ELEMENTS_LIMIT),
};

bool provision_file_read(struct str text, struct arena *arena, struct provision_file *file,
                         struct err *err)
{
    const struct json_view *view;
    struct raw_file raw = {0};

    return yaml_parse(text, arena, &view, err) &&
           shape_read(view, STR(""), file_members, COUNT_OF(file_members), arena, &raw, err) &&
           tenants_read(raw.tenants, arena, file, err) &&
           keys_read(raw.cluster_keys, STR(""), "clusterKeys", arena, &file->cluster_keys,
                     &file->cluster_key_count, err);
}
