// provision_keys: see the header.
#include "nexusctl/apply/provision_keys.h"

#include "base/map.h"
#include "provisioning/rules.h"
#include "secrets/api_key.h"
#include "wire/json/shape.h"

enum { PERMISSIONS_LIMIT = 16, ID_LENGTH = 13 };

struct raw_file_key {
    struct str id, name, key;
    const struct json_view *permissions, *expires;
    int64_t capacity, frequency;
    bool enabled;
};

static const struct member key_members[] = {
    MEMBER_TEXT(raw_file_key, id, "id", OPTIONAL, 8, ID_LENGTH, NULL),
    MEMBER_TEXT(raw_file_key, name, "name", REQUIRED, 1, 128, NULL),
    MEMBER_TEXT(raw_file_key, key, "key", OPTIONAL, 36, 36, uuid_check),
    MEMBER_LIST(raw_file_key, permissions, "permissions", REQUIRED, 1, PERMISSIONS_LIMIT),
    MEMBER_FLAG(raw_file_key, enabled, "enabled"),
    MEMBER_NUMBER(raw_file_key, capacity, "capacity", OPTIONAL, 0, 1000000),
    MEMBER_NUMBER(raw_file_key, frequency, "frequency", OPTIONAL, 1, 86400),
    MEMBER_ANY(raw_file_key, expires, "expires", OPTIONAL),
};

static bool permissions_read(const struct json_view *list, struct str path, struct arena *arena,
                             struct str *permissions, struct err *err)
{
    const struct json_view *element;
    AUTO(buf) json = {0};
    struct str text;

    json_open(&json, '[');
    for (size_t i = 0; (element = json_element(list, i)) != NULL; i++) {
        if (!shape_text(element, shape_path_at(arena, path, "permissions", i), 5, 128,
                        api_key_permission_check, &text, err))
            return false;
        json_str(&json, text);
    }
    json_close(&json, ']');
    *permissions = arena_copy(arena, buf_str(&json));
    return true;
}

// A time, or false for never, as over HTTP.
static bool expires_read(const struct json_view *view, struct str path, struct file_key *key,
                         struct err *err)
{
    key->expires_given = view != NULL;
    if (!view || (json_kind(view) == TREE_BOOL && !json_is_true(view)))
        return true;
    return shape_text(view, path, 10, 27, time_check, &key->expires, err);
}

static bool key_read(const struct json_view *view, struct str path, struct arena *arena,
                     struct file_key *key, struct err *err)
{
    struct raw_file_key raw = {.capacity = NOT_GIVEN, .frequency = NOT_GIVEN};

    if (!shape_read(view, path, key_members, COUNT_OF(key_members), arena, &raw, err))
        return false;
    *key = (struct file_key){
        .id = raw.id,
        .name = raw.name,
        .key = raw.key,
        .capacity = raw.capacity,
        .frequency = raw.frequency,
        .enabled = json_kind(json_member(view, "enabled")) == TREE_BOOL ? raw.enabled : NOT_GIVEN,
    };
    return permissions_read(raw.permissions, path, arena, &key->permissions, err) &&
           expires_read(raw.expires, shape_path(arena, path, "expires"), key, err);
}

bool provision_keys_read(const struct json_view *list, struct str path, const char *name,
                         struct arena *arena, struct file_key **keys, size_t *count,
                         struct err *err)
{
    struct map *seen = map_new();
    bool good = true;

    *count = shape_length(list);
    *keys = ARENA_ARRAY(arena, struct file_key, *count);
    for (size_t i = 0; good && i < *count; i++) {
        struct file_key *key = &(*keys)[i];
        struct str at = shape_path_at(arena, path, name, i);
        good = key_read(json_element(list, i), at, arena, key, err);
        if (good &&
            map_put(seen, arena_printf(arena, "%.*s|%.*s", STR_ARG(key->id), STR_ARG(key->name)),
                    seen))
            good = shape_fault(err, shape_path(arena, at, "name"), "is given twice in the file");
    }
    map_free(&seen);
    return good;
}
