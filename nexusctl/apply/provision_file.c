// provision_file: the file and its tenants; keys and short forms have files of their own. At the end
// every service and section is checked with the schemas, so that a fault is found before anything
// is done.
#include "nexusctl/apply/provision_file.h"

#include "base/map.h"
#include "nexusctl/apply/provision_keys.h"
#include "nexusctl/apply/provision_numbers.h"
#include "nexusctl/yaml/codec_yaml.h"
#include "provisioning/rules.h"
#include "provisioning/service_schema.h"
#include "provisioning/transaction_schema.h"
#include "wire/json/shape.h"

#include <ctype.h>

enum { ELEMENTS_LIMIT = 10000, TOKEN_LIMIT = 256 };

static struct str lower(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.len + 1);

    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)tolower((unsigned char)text.ptr[i]);
    return str_make(copy, text.len);
}

// The schemas. They are checked before the keys are loaded, so nothing is sealed.

static bool seal_nothing(void *context, struct str owner, struct str use, struct str plain,
                         struct buf *sealed, struct err *err)
{
    (void)context, (void)owner, (void)use, (void)plain, (void)sealed, (void)err;
    return true;
}

static bool schemas_check(const struct file_tenant *tenant, bool https_only, struct arena *arena,
                          struct err *err)
{
    const struct sealer sealer = {.seal = seal_nothing};
    struct service_document service;
    struct section_document section;
    enum service_kind kind;

    for (size_t i = 0; i < tenant->service_count; i++) {
        const struct file_service *wanted = &tenant->services[i];
        if (!service_kind_named(wanted->name, &kind))
            return shape_fault(err, wanted->path, "unknown service");
        if (!service_document_read(kind, wanted->document, wanted->path, https_only, &sealer, arena,
                                   &service, err))
            return false;
    }
    for (size_t i = 0; i < tenant->section_count; i++) {
        const struct file_section *wanted = &tenant->sections[i];
        if (!section_document_read(str_of(wanted->transaction), wanted->section, wanted->options,
                                   wanted->path, &sealer, arena, &section, err))
            return false;
    }
    return true;
}

// Services.

static bool service_add(struct file_tenant *tenant, struct str name, struct str path, bool partial,
                        struct str document, struct arena *arena, struct err *err)
{
    struct file_service *service = &tenant->services[tenant->service_count++];

    *service = (struct file_service){.name = name, .path = path, .partial = partial};
    return json_parse(document, arena, &service->document, err);
}

static bool services_read(const struct json_view *services, struct str async, struct str path,
                          struct arena *arena, struct file_tenant *tenant, struct err *err)
{
    struct str at = shape_path(arena, path, "services"), name;
    const struct json_view *value;
    size_t cursor = 0, count = 1;

    while (json_object_next(services, &cursor, &name, &value))
        count++;
    tenant->services = ARENA_ARRAY(arena, struct file_service, count);
    cursor = 0;
    while (json_object_next(services, &cursor, &name, &value)) {
        AUTO(buf) document = {0};
        struct str here = shape_path(arena, at, name.ptr);
        if (str_equal(name, STR("Async")) && str_present(async))
            return shape_fault(err, here,
                               "numbers of this file have webhooks of their own: give all webhooks "
                               "there, or all of them here");
        texts_write(value, &document);
        if (!service_add(tenant, name, here, false, arena_copy(arena, buf_str(&document)), arena,
                         err))
            return false;
    }
    return !str_present(async) || service_add(tenant, STR("Async"), shape_path(arena, at, "Async"),
                                              true, async, arena, err);
}

// Tenants.

struct raw_tenant {
    struct str ccid, name, type, backend_url, username, token;
    int64_t genesys_tenant_id;
    const struct json_view *keys, *services;
    struct short_forms forms;
};

static const struct member tenant_members[] = {
    MEMBER_TEXT(raw_tenant, ccid, "ccid", REQUIRED, 36, 36, uuid_check),
    MEMBER_TEXT(raw_tenant, name, "name", OPTIONAL, 1, 128, NULL),
    MEMBER_TEXT(raw_tenant, type, "type", OPTIONAL, 1, 64, NULL),
    MEMBER_TEXT(raw_tenant, backend_url, "backendurl", OPTIONAL, 1, 2048, webhook_url_check),
    MEMBER_TEXT(raw_tenant, username, "username", OPTIONAL, 1, 128, NULL),
    MEMBER_TEXT(raw_tenant, token, "token", OPTIONAL, 1, TOKEN_LIMIT, NULL),
    MEMBER_NUMBER(raw_tenant, genesys_tenant_id, "genesystemenantid", OPTIONAL, 0, INT32_MAX),
    MEMBER_LIST(raw_tenant, keys, "keys", OPTIONAL, 0, ELEMENTS_LIMIT),
    MEMBER_OBJECT(raw_tenant, services, "services"),
    MEMBER_LIST(raw_tenant, forms.numbers, "numbers", OPTIONAL, 0, ELEMENTS_LIMIT),
    MEMBER_LIST(raw_tenant, forms.domains, "domains", OPTIONAL, 0, ELEMENTS_LIMIT),
    MEMBER_OBJECT(raw_tenant, forms.headers, "headers"),
    MEMBER_OBJECT(raw_tenant, forms.keywords, "keywords"),
    MEMBER_OBJECT(raw_tenant, forms.endpoints, "endpoints"),
    MEMBER_OBJECT(raw_tenant, forms.designer, "designer"),
};

static bool tenant_read(const struct json_view *view, struct str path, bool https_only,
                        struct arena *arena, struct file_tenant *tenant, struct err *err)
{
    struct raw_tenant raw = {.genesys_tenant_id = NOT_GIVEN, .forms.https_only = https_only};
    struct str async = STR_ABSENT;

    if (!shape_read(view, path, tenant_members, COUNT_OF(tenant_members), arena, &raw, err))
        return false;
    *tenant = (struct file_tenant){
        .ccid = lower(arena, raw.ccid),
        .name = raw.name,
        .type = raw.type,
        .backend_url = raw.backend_url,
        .username = raw.username,
        .token = raw.token,
        .genesys_tenant_id = raw.genesys_tenant_id,
    };
    return provision_keys_read(raw.keys, path, "keys", arena, &tenant->keys, &tenant->key_count,
                               err) &&
           provision_numbers_read(&raw.forms, path, arena, tenant, &async, err) &&
           services_read(raw.services, async, path, arena, tenant, err) &&
           schemas_check(tenant, https_only, arena, err);
}

static bool tenants_read(const struct json_view *list, bool https_only, struct arena *arena,
                         struct provision_file *file, struct err *err)
{
    struct map *seen = map_new();
    bool good = true;

    file->tenant_count = shape_length(list);
    file->tenants = ARENA_ARRAY(arena, struct file_tenant, file->tenant_count);
    for (size_t i = 0; good && i < file->tenant_count; i++) {
        struct str at = shape_path_at(arena, STR(""), "tenants", i);
        good = tenant_read(json_element(list, i), at, https_only, arena, &file->tenants[i], err);
        if (good && map_put(seen, file->tenants[i].ccid, seen))
            good = shape_fault(err, shape_path(arena, at, "ccid"), "is given twice in the file");
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

bool provision_file_read(struct str text, bool https_only, struct arena *arena,
                         struct provision_file *file, struct err *err)
{
    const struct json_view *view;
    struct raw_file raw = {0};

    return yaml_parse(text, arena, &view, err) &&
           shape_read(view, STR(""), file_members, COUNT_OF(file_members), arena, &raw, err) &&
           tenants_read(raw.tenants, https_only, arena, file, err) &&
           provision_keys_read(raw.cluster_keys, STR(""), "clusterKeys", arena, &file->cluster_keys,
                               &file->cluster_key_count, err);
}
