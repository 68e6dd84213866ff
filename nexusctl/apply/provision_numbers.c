// provision_numbers: see the header.
#include "nexusctl/apply/provision_numbers.h"

#include "base/map.h"
#include "provisioning/form.h"
#include "provisioning/rules.h"
#include "wire/json/shape.h"

enum { SECRET_LIMIT = 256, URL_LIMIT = 2048 };

struct numbers_maker {
    struct arena *arena;
    bool https_only;
    struct file_tenant *tenant;
    struct map *addresses, *names; // seen in this file
    struct buf channels, secrets;  // of the service Async
};

// What differs between numbers and domains.
struct list_place {
    const char *list, *kind, *prefix, *channel_type;
    enum form form;
};

static const struct list_place places[] = {
    {"numbers", "number", "chat.", "sms", FORM_NUMBER},
    {"domains", "domain", "cxc.", "email", FORM_DOMAIN},
};

void texts_write(const struct json_view *view, struct buf *out)
{
    const struct json_view *child;
    struct str name;
    size_t cursor = 0;

    switch (json_kind(view)) {
    case TREE_NULL: json_nil(out); break;
    case TREE_ARRAY:
        json_open(out, '[');
        for (size_t i = 0; (child = json_element(view, i)) != NULL; i++)
            texts_write(child, out);
        json_close(out, ']');
        break;
    case TREE_OBJECT:
        json_open(out, '{');
        while (json_object_next(view, &cursor, &name, &child)) {
            json_key(out, name.ptr);
            texts_write(child, out);
        }
        json_close(out, '}');
        break;
    case TREE_BOOL:
    case TREE_INTEGER:
    case TREE_REAL:
    case TREE_TEXT: {
        struct arena *scratch = arena_new();
        struct str text = json_written(view);
        json_str(out, str_present(text) ? text : json_compact(view, scratch));
        arena_free(&scratch);
        break;
    }
    }
}

static bool section_add(struct numbers_maker *maker, const struct file_section *section,
                        struct buf *json, struct err *err)
{
    struct file_section *added = &maker->tenant->sections[maker->tenant->section_count++];

    *added = *section;
    return json_parse(arena_copy(maker->arena, buf_str(json)), maker->arena, &added->options, err);
}

// Webhooks and their secrets.

struct raw_webhook {
    struct str url;
    const struct json_view *secret;
};

static const struct member webhook_members[] = {
    MEMBER_TEXT(raw_webhook, url, "url", REQUIRED, 1, URL_LIMIT, webhook_url_check),
    MEMBER_ANY(raw_webhook, secret, "secret", OPTIONAL),
};

struct raw_api {
    const struct json_view *secret;
};

static const struct member api_members[] = {
    MEMBER_ANY(raw_api, secret, "secret", REQUIRED),
};

// A text, or a list of two while it is being rotated.
static bool secret_check(const struct json_view *view, struct str path, struct arena *arena,
                         struct err *err)
{
    size_t count = shape_length(view);
    struct str ignored;

    if (json_kind(view) != TREE_ARRAY)
        return shape_text(view, path, 1, SECRET_LIMIT, NULL, &ignored, err);
    if (count < 1 || count > 2)
        return shape_fault(err, path, "must be a text or a list of one or two");
    for (size_t i = 0; i < count; i++)
        if (!shape_text(json_element(view, i), shape_path_at(arena, path, "", i), 1, SECRET_LIMIT,
                        NULL, &ignored, err))
            return false;
    return true;
}

static void secret_write(struct buf *out, const char *use, const struct json_view *secret)
{
    json_key(out, use);
    json_open(out, '{');
    json_key(out, "secret");
    texts_write(secret, out);
    json_close(out, '}');
}

struct raw_number {
    struct str address, name;
    const struct json_view *webhook, *api;
    bool no_api; // api: N/A, which removes what is stored
};

static bool gateway_add(struct numbers_maker *maker, const struct raw_number *raw, struct str path,
                        struct err *err)
{
    struct arena *arena = maker->arena;
    struct str webhook_path = shape_path(arena, path, "webhook");
    struct str api_path = shape_path(arena, path, "api");
    struct raw_webhook webhook = {0};
    struct raw_api api = {0};
    struct err broken;

    if (!raw->webhook)
        return !raw->api || shape_fault(err, webhook_path, "missing; it is needed if api is given");
    if (!shape_read(raw->webhook, webhook_path, webhook_members, COUNT_OF(webhook_members), arena,
                    &webhook, err) ||
        (webhook.secret &&
         !secret_check(webhook.secret, shape_path(arena, webhook_path, "secret"), arena, err)))
        return false;
    if (!webhook_https_check(webhook.url, maker->https_only, &broken))
        return shape_fault(err, shape_path(arena, webhook_path, "url"), broken.text);
    if (raw->api &&
        (!shape_read(raw->api, api_path, api_members, COUNT_OF(api_members), arena, &api, err) ||
         !secret_check(api.secret, shape_path(arena, api_path, "secret"), arena, err)))
        return false;
    if (api.secret && !webhook.secret)
        return shape_fault(err, shape_path(arena, webhook_path, "secret"),
                           "missing; it is needed if api has one");

    json_open(&maker->channels, '{');
    json_key_str(&maker->channels, "channelId", raw->address);
    json_key(&maker->channels, "webhook");
    json_open(&maker->channels, '{');
    json_key_str(&maker->channels, "url", webhook.url);
    json_close(&maker->channels, '}');
    json_close(&maker->channels, '}');
    if (!webhook.secret && !raw->no_api)
        return true;
    json_open(&maker->secrets, '{');
    json_key_str(&maker->secrets, "channelId", raw->address);
    if (webhook.secret)
        secret_write(&maker->secrets, "webhook", webhook.secret);
    if (api.secret)
        secret_write(&maker->secrets, "api", api.secret);
    else if (raw->no_api)
        json_key_raw(&maker->secrets, "api", STR("null"));
    json_close(&maker->secrets, '}');
    return true;
}

// Numbers and domains.

static bool once(struct map *seen, struct str name, struct str path, struct err *err)
{
    if (map_put(seen, name, seen))
        return shape_fault(err, path, "is given twice in the file");
    return true;
}

static bool names_read(struct numbers_maker *maker, const struct list_place *place,
                       const struct json_view *view, struct str path, struct raw_number *raw,
                       struct err *err)
{
    struct str at = shape_path(maker->arena, path, "address"), text;
    struct err broken;

    if (json_kind(view) != TREE_OBJECT)
        return shape_fault(err, path, "must be an object");
    if (json_kind(json_member(view, "address")) == TREE_NULL)
        return shape_fault(err, at, "missing");
    if (!shape_text(json_member(view, "address"), at, 1, 253, NULL, &text, err))
        return false;
    if (!form_read(place->form, "", STR_ABSENT, text, maker->arena, &raw->address, &broken))
        return shape_fault(err, at, broken.text);
    if (!once(maker->addresses, raw->address, at, err))
        return false;
    at = shape_path(maker->arena, path, "name");
    if (json_kind(json_member(view, "name")) == TREE_NULL)
        return shape_fault(err, at, "missing");
    if (!shape_text(json_member(view, "name"), at, 1, 64, section_name_check, &text, err))
        return false;
    raw->name = arena_printf(maker->arena, "%s%.*s", place->prefix, STR_ARG(text));
    return once(maker->names, raw->name, at, err);
}

// The options are the members of the number except its names and gateway; a webhook of its own
// means that the provider is Async.
static void options_write(const struct list_place *place, const struct json_view *view,
                          const struct raw_number *raw, struct buf *out)
{
    static const char *const not_options[] = {"address", "name", "webhook", "api"};
    const struct json_view *value;
    struct str name;
    size_t cursor = 0;

    json_open(out, '{');
    json_key_str(out, "channelId", raw->address);
    if (!json_member(view, "channelType"))
        json_key_str(out, "channelType", str_of(place->channel_type));
    if (raw->webhook && !json_member(view, "provider"))
        json_key_str(out, "provider", STR("Async"));
    while (json_object_next(view, &cursor, &name, &value)) {
        bool is_option = json_kind(value) != TREE_NULL;
        for (size_t i = 0; i < COUNT_OF(not_options); i++)
            is_option &= !str_equal(name, str_of(not_options[i]));
        if (!is_option)
            continue;
        json_key(out, name.ptr);
        texts_write(value, out);
    }
    json_close(out, '}');
}

static bool number_add(struct numbers_maker *maker, const struct list_place *place,
                       const struct json_view *view, struct str path, struct err *err)
{
    struct raw_number raw = {0};
    AUTO(buf) options = {0};

    if (!names_read(maker, place, view, path, &raw, err))
        return false;
    if (json_member(view, "channelId"))
        return shape_fault(err, shape_path(maker->arena, path, "channelId"),
                           "this member is called address here");
    raw.webhook = json_kind(json_member(view, "webhook")) ? json_member(view, "webhook") : NULL;
    raw.no_api = str_equal(json_text(json_member(view, "api")), STR("N/A"));
    raw.api = json_kind(json_member(view, "api")) && !raw.no_api ? json_member(view, "api") : NULL;
    options_write(place, view, &raw, &options);
    const struct file_section section = {
        .kind = place->kind,
        .label = raw.address,
        .transaction = "NexusServices",
        .section = raw.name,
        .path = path,
    };
    return gateway_add(maker, &raw, path, err) && section_add(maker, &section, &options, err);
}

// Headers, endpoints, keywords, designer.

static bool headers_add(struct numbers_maker *maker, const struct json_view *headers,
                        struct str path, struct err *err)
{
    const struct json_view *value;
    AUTO(buf) options = {0};
    struct str name;
    size_t cursor = 0;

    json_open(&options, '{');
    while (json_object_next(headers, &cursor, &name, &value)) {
        json_key(&options, arena_printf(maker->arena, "header:%.*s", STR_ARG(name)).ptr);
        texts_write(value, &options);
    }
    json_close(&options, '}');
    const struct file_section section = {
        .kind = "headers",
        .label = STR("Async"),
        .transaction = "NexusServices",
        .section = STR("Async"),
        .path = shape_path(maker->arena, path, "headers"),
    };
    return section_add(maker, &section, &options, err);
}

static bool endpoints_add(struct numbers_maker *maker, const struct json_view *endpoints,
                          struct str path, struct err *err)
{
    struct str at = shape_path(maker->arena, path, "endpoints"), name;
    const struct json_view *value;
    size_t cursor = 0;

    while (json_object_next(endpoints, &cursor, &name, &value)) {
        AUTO(buf) options = {0};
        const struct file_section section = {
            .kind = "endpoint",
            .label = name,
            .transaction = "NexusEndpoints",
            .section = name,
            .path = shape_path(maker->arena, at, name.ptr),
        };
        texts_write(value, &options);
        if (!section_add(maker, &section, &options, err))
            return false;
    }
    return true;
}

static bool keywords_add(struct numbers_maker *maker, const struct json_view *keywords,
                         struct str path, struct err *err)
{
    AUTO(buf) options = {0};
    const struct file_section section = {
        .kind = "keywords",
        .label = STR("Keywords"),
        .transaction = "NexusServices",
        .section = STR("Keywords"),
        .path = shape_path(maker->arena, path, "keywords"),
    };

    texts_write(keywords, &options);
    return section_add(maker, &section, &options, err);
}

static bool designer_add(struct numbers_maker *maker, const struct json_view *designer,
                         struct str path, struct err *err)
{
    AUTO(buf) options = {0};
    const struct file_section section = {
        .kind = "designer",
        .label = STR("DesignerEnv"),
        .transaction = "DesignerEnv",
        .section = STR("options"),
        .path = shape_path(maker->arena, path, "designer"),
    };

    texts_write(designer, &options);
    return section_add(maker, &section, &options, err);
}

static size_t members(const struct json_view *object)
{
    const struct json_view *value;
    struct str name;
    size_t cursor = 0;

    while (json_object_next(object, &cursor, &name, &value))
        continue;
    return cursor;
}

static bool all_add(struct numbers_maker *maker, const struct short_forms *forms, struct str path,
                    struct err *err)
{
    const struct json_view *lists[] = {forms->numbers, forms->domains};

    for (size_t i = 0; i < COUNT_OF(places); i++)
        for (size_t n = 0; json_element(lists[i], n); n++)
            if (!number_add(maker, &places[i], json_element(lists[i], n),
                            shape_path_at(maker->arena, path, places[i].list, n), err))
                return false;
    return (!forms->headers || headers_add(maker, forms->headers, path, err)) &&
           (!forms->keywords || keywords_add(maker, forms->keywords, path, err)) &&
           endpoints_add(maker, forms->endpoints, path, err) &&
           (!forms->designer || designer_add(maker, forms->designer, path, err));
}

bool provision_numbers_read(const struct short_forms *forms, struct str path, struct arena *arena,
                            struct file_tenant *tenant, struct str *async, struct err *err)
{
    struct numbers_maker maker = {.arena = arena,
                                  .https_only = forms->https_only,
                                  .tenant = tenant,
                                  .addresses = map_new(),
                                  .names = map_new()};
    size_t count =
        shape_length(forms->numbers) + shape_length(forms->domains) + members(forms->endpoints) + 3;

    tenant->sections = ARENA_ARRAY(arena, struct file_section, count);
    bool good = all_add(&maker, forms, path, err);
    if (good && maker.channels.len > 0)
        *async = arena_printf(arena, "{\"data\":{\"channels\":[%.*s]}%s%.*s%s}",
                              STR_ARG(buf_str(&maker.channels)),
                              maker.secrets.len ? ",\"secret\":{\"channels\":[" : "",
                              STR_ARG(buf_str(&maker.secrets)), maker.secrets.len ? "]}" : "");
    buf_release(&maker.channels);
    buf_release(&maker.secrets);
    map_free(&maker.addresses);
    map_free(&maker.names);
    return good;
}
