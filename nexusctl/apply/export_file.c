// export_file: see the header.
#include "nexusctl/apply/export_file.h"

static void member_write(struct buf *out, struct str name, const struct json_view *value)
{
    AUTO(buf) key = {0};
    struct arena *scratch = arena_new();

    buf_str_append(&key, name);
    json_key(out, buf_c_string(&key));
    json_raw(out, json_compact(value, scratch));
    arena_free(&scratch);
}

// Omits what the file does not need: null, and empty lists and objects.
static bool is_empty(const struct json_view *value)
{
    struct str name;
    const struct json_view *child;
    size_t cursor = 0;

    return json_kind(value) == TREE_NULL ||
           (json_kind(value) == TREE_ARRAY && !json_element(value, 0)) ||
           (json_kind(value) == TREE_OBJECT && !json_object_next(value, &cursor, &name, &child));
}

static void members_write(struct buf *out, const struct json_view *object)
{
    const struct json_view *value;
    struct str name;
    size_t cursor = 0;

    while (json_object_next(object, &cursor, &name, &value))
        if (!is_empty(value))
            member_write(out, name, value);
}

static void services_write(struct buf *out, const struct json_view *services)
{
    const struct json_view *service, *part;
    AUTO(buf) name = {0};

    if (is_empty(services))
        return;
    json_key(out, "services");
    json_open(out, '{');
    for (size_t i = 0; (service = json_element(services, i)) != NULL; i++) {
        buf_clear(&name);
        buf_str_append(&name, json_text(json_member(service, "name")));
        json_key(out, buf_c_string(&name));
        json_open(out, '{');
        if ((part = json_member(service, "url")) && !is_empty(part))
            member_write(out, STR("url"), part);
        if ((part = json_member(service, "data")) && !is_empty(part))
            member_write(out, STR("data"), part);
        json_close(out, '}');
    }
    json_close(out, '}');
}

// The sections of one transaction whose name starts with prefix.

struct section_place {
    const char *transaction;
    struct str prefix;
};

static const struct json_view *section_next(const struct json_view *sections,
                                            struct section_place place, size_t *cursor,
                                            struct str *name)
{
    const struct json_view *section;

    while ((section = json_element(sections, (*cursor)++)) != NULL) {
        *name = json_text(json_member(section, "section"));
        if (!str_equal(json_text(json_member(section, "transaction")), str_of(place.transaction)) ||
            !str_starts(*name, place.prefix))
            continue;
        *name = str_skip(*name, place.prefix.len);
        return json_member(section, "options");
    }
    return NULL;
}

// address and name first, then the options except the channelType, which is implied.
static void numbers_write(struct buf *out, const struct json_view *sections, const char *list,
                          struct section_place place)
{
    const struct json_view *options, *value;
    struct str name, option;
    size_t cursor = 0, inner;

    if (!section_next(sections, place, &cursor, &name))
        return;
    cursor = 0;
    json_key(out, list);
    json_open(out, '[');
    while ((options = section_next(sections, place, &cursor, &name)) != NULL) {
        json_open(out, '{');
        json_key_str(out, "address", json_text(json_member(options, "channelId")));
        json_key_str(out, "name", name);
        inner = 0;
        while (json_object_next(options, &inner, &option, &value))
            if (!str_equal(option, STR("channelId")) && !str_equal(option, STR("channelType")))
                member_write(out, option, value);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void headers_write(struct buf *out, const struct json_view *sections)
{
    const struct section_place place = {"NexusServices", STR_INIT("Async")};
    const struct json_view *value;
    struct str name;
    size_t cursor = 0;
    const struct json_view *options = section_next(sections, place, &cursor, &name);

    if (!options)
        return;
    cursor = 0;
    json_key(out, "headers");
    json_open(out, '{');
    while (json_object_next(options, &cursor, &name, &value))
        member_write(out, str_skip(name, STR("header:").len), value);
    json_close(out, '}');
}

static void endpoints_write(struct buf *out, const struct json_view *sections)
{
    const struct section_place place = {"NexusEndpoints", STR_INIT("")};
    const struct json_view *options;
    struct str name;
    size_t cursor = 0;

    if (!section_next(sections, place, &cursor, &name))
        return;
    cursor = 0;
    json_key(out, "endpoints");
    json_open(out, '{');
    while ((options = section_next(sections, place, &cursor, &name)) != NULL)
        member_write(out, name, options);
    json_close(out, '}');
}

// The options of one section, as they are.
static void section_write(struct buf *out, const struct json_view *sections, struct str member,
                          struct section_place place)
{
    struct str name;
    size_t cursor = 0;
    const struct json_view *options = section_next(sections, place, &cursor, &name);

    if (options)
        member_write(out, member, options);
}

static void tenant_write(struct buf *out, const struct json_view *stored)
{
    const struct json_view *sections = json_member(stored, "sections");
    const struct json_view *keys = json_member(stored, "keys");

    json_open(out, '{');
    members_write(out, json_member(stored, "tenant"));
    if (!is_empty(keys))
        member_write(out, STR("keys"), keys);
    services_write(out, json_member(stored, "services"));
    numbers_write(out, sections, "numbers",
                  (struct section_place){"NexusServices", STR_INIT("chat.")});
    numbers_write(out, sections, "domains",
                  (struct section_place){"NexusServices", STR_INIT("cxc.")});
    headers_write(out, sections);
    endpoints_write(out, sections);
    section_write(out, sections, STR("keywords"),
                  (struct section_place){"NexusServices", STR_INIT("Keywords")});
    section_write(out, sections, STR("designer"),
                  (struct section_place){"DesignerEnv", STR_INIT("options")});
    json_close(out, '}');
}

void export_file_write(const struct json_view *stored, struct buf *json)
{
    const struct json_view *tenants = json_member(stored, "tenants"), *tenant;
    const struct json_view *cluster_keys = json_member(stored, "clusterKeys");

    json_open(json, '{');
    json_key(json, "tenants");
    json_open(json, '[');
    for (size_t i = 0; (tenant = json_element(tenants, i)) != NULL; i++)
        tenant_write(json, tenant);
    json_close(json, ']');
    if (!is_empty(cluster_keys))
        member_write(json, STR("clusterKeys"), cluster_keys);
    json_close(json, '}');
}
