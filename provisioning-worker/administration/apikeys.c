// apikeys: API keys over HTTP. A key is shown when it is made and never again: the database has a MAC of
// it and its first characters.
#include "base/id.h"
#include "provisioning-worker/administration/new_key.h"
#include "provisioning-worker/handlers.h"
#include "provisioning-worker/provisioning.h"
#include "provisioning/rules.h"
#include "secrets/api_key.h"
#include "service/tasks/task_statement.h"
#include "store/statements.h"
#include "wire/json/codec_json.h"
#include "wire/json/shape.h"

enum {
    PERMISSIONS_LIMIT = 16,
    PERMISSION_LENGTH = 128,
    CAPACITY_MAX = 1000000,
    FREQUENCY_MAX = 86400
};

static task_render_fn apikey_created;

struct raw_posted_key {
    struct str tenant, name;
    const struct json_view *permissions, *expires, *enabled, *capacity, *frequency;
    struct str operation;
};

static const struct member create_members[] = {
    MEMBER_TEXT(raw_posted_key, tenant, "tenant", REQUIRED, 1, 36, NULL),
    MEMBER_TEXT(raw_posted_key, name, "name", REQUIRED, 1, 128, NULL),
    MEMBER_LIST(raw_posted_key, permissions, "permissions", REQUIRED, 1, PERMISSIONS_LIMIT),
    MEMBER_ANY(raw_posted_key, enabled, "enabled", OPTIONAL),
    MEMBER_ANY(raw_posted_key, expires, "expires", OPTIONAL),
    MEMBER_ANY(raw_posted_key, capacity, "capacity", OPTIONAL),
    MEMBER_ANY(raw_posted_key, frequency, "frequency", OPTIONAL),
};

static const struct member change_members[] = {
    MEMBER_TEXT(raw_posted_key, name, "name", OPTIONAL, 1, 128, NULL),
    MEMBER_ANY(raw_posted_key, permissions, "permissions", OPTIONAL),
    MEMBER_ANY(raw_posted_key, enabled, "enabled", OPTIONAL),
    MEMBER_ANY(raw_posted_key, expires, "expires", OPTIONAL),
    MEMBER_ANY(raw_posted_key, capacity, "capacity", OPTIONAL),
    MEMBER_ANY(raw_posted_key, frequency, "frequency", OPTIONAL),
    MEMBER_TEXT(raw_posted_key, operation, "operationId", OPTIONAL, 0, 64, NULL),
};

static bool permissions_check(const struct json_view *list, struct arena *arena, struct err *err)
{
    const struct json_view *element;
    struct str text;

    for (size_t i = 0; (element = json_element(list, i)) != NULL; i++)
        if (!shape_text(element, shape_path_at(arena, STR(""), "permissions", i), 1,
                        PERMISSION_LENGTH, api_key_permission_check, &text, err))
            return false;
    return true;
}

static bool number_write(const struct json_view *view, const char *name, int64_t minimum,
                         int64_t maximum, struct buf *out, struct err *err)
{
    int64_t number;

    if (!view)
        return true;
    if (!json_number(view, &number) || number < minimum || number > maximum)
        return err_set(err, ERR_BAD_INPUT, "%s: must be a whole number from %lld to %lld", name,
                       (long long)minimum, (long long)maximum);
    json_key_int(out, name, number);
    return true;
}

// "expires": false is never.
static bool expires_write(const struct json_view *view, struct buf *out, struct err *err)
{
    struct err broken;

    if (!view)
        return true;
    if (json_kind(view) == TREE_BOOL && !json_is_true(view)) {
        json_key_str(out, "expires", STR_ABSENT);
        return true;
    }
    if (!str_present(json_text(view)))
        return err_set(err, ERR_BAD_INPUT, "expires: must be false or a time");
    if (!time_check(json_text(view), &broken))
        return err_set(err, ERR_BAD_INPUT, "expires: %s, or false", broken.text);
    json_key_str(out, "expires", json_text(view));
    return true;
}

// The members that both a new key and a changed key may have.
static bool settings_write(const struct raw_posted_key *raw, struct buf *out, struct err *err)
{
    if (raw->enabled && json_kind(raw->enabled) != TREE_BOOL)
        return err_set(err, ERR_BAD_INPUT, "enabled: must be true or false");
    if (raw->enabled)
        json_key_bool(out, "enabled", json_is_true(raw->enabled));
    if (str_present(raw->name))
        json_key_str(out, "name", raw->name);
    return expires_write(raw->expires, out, err) &&
           number_write(raw->capacity, "capacity", 0, CAPACITY_MAX, out, err) &&
           number_write(raw->frequency, "frequency", 1, FREQUENCY_MAX, out, err);
}

// ---- a new key

static bool new_key_read(struct task *task, struct str text, struct str *tenant, struct buf *out,
                         struct err *err)
{
    struct str value = new_key_text(task);
    const struct provisioning *provisioning = service_state(task->service);
    const struct json_view *view;
    struct raw_posted_key raw = {.tenant = STR_ABSENT};
    AUTO(buf) mac = {0};
    struct id ccid;

    if (!json_parse(text, task->arena, &view, err) ||
        !shape_read_tolerant(view, STR(""), create_members, COUNT_OF(create_members), task->arena,
                             &raw, err) ||
        !permissions_check(raw.permissions, task->arena, err))
        return false;
    if (!str_equal(raw.tenant, STR("*")) && (!id_parse(raw.tenant, &ccid) || id_is_none(ccid)))
        return err_set(err, ERR_BAD_INPUT, "tenant: must be a UUID or *");
    *tenant = raw.tenant;
    api_key_mac_hex(provisioning->pepper, value, &mac);
    json_open(out, '{');
    json_key_str(out, "mac", buf_str(&mac));
    json_key_str(out, "prefix", str_make(value.ptr, API_KEY_PREFIX_LENGTH));
    json_key_raw(out, "permissions", json_compact(raw.permissions, task->arena));
    if (!raw.enabled)
        json_key_bool(out, "enabled", true);
    if (!raw.capacity)
        json_key_int(out, "capacity", API_KEY_CAPACITY);
    if (!raw.frequency)
        json_key_int(out, "frequency", API_KEY_FREQUENCY_S);
    bool good = settings_write(&raw, out, err);
    json_close(out, '}');
    return good;
}

void on_apikey_create(struct task *task, const struct msg_apikey_create *message)
{
    AUTO(buf) document = {0};
    struct pg_params params;
    struct str tenant;
    struct err err;

    if (!new_key_make(task, &err) ||
        !new_key_read(task, message->document, &tenant, &document, &err)) {
        task_fail(task, &err);
        return;
    }
    BIND(&params, APIKEY_CREATE, .principal = (int32_t)task_tenant(task), .tenant = tenant,
         .doc = buf_str(&document), .by = task->envelope.principal.name);
    task_render_by(task, &params, apikey_created);
}

// The stored key, with the key itself as its id. After a crash just before this, the key exists but
// nobody knows its value, unless there is an Idempotency-Key; it can be revoked.
static bool apikey_created(struct task *task, struct str row, struct buf *answer, struct err *err)
{
    const struct json_view *stored, *member;
    struct str name, value;
    size_t cursor = 0;

    if (!json_parse(row, task->arena, &stored, err) || !new_key_shown(task, &value, err))
        return false;
    json_open(answer, '{');
    while (json_object_next(stored, &cursor, &name, &member)) {
        const char *key = arena_c_string(task->arena, name);
        if (str_equal(name, STR("id")))
            json_key_str(answer, key, value);
        else
            json_key_raw(answer, key, json_compact(member, task->arena));
    }
    json_close(answer, '}');
    return true;
}

// ---- existing keys

// A key as a path names it: the complete key, or its first characters.
struct named_key {
    struct str mac, prefix; // one is absent
    unsigned char bytes[SHA256_BYTES];
};

static void key_named(const struct task *task, struct str id, struct named_key *key)
{
    const struct provisioning *provisioning = service_state(task->service);
    unsigned char digest[SHA256_BYTES];
    struct id whole;

    key->mac = key->prefix = STR_ABSENT;
    if (id_parse(id, &whole)) {
        crypto_sha256(id, digest);
        key_mac(provisioning->pepper, digest, key->bytes);
        key->mac = str_make(key->bytes, sizeof key->bytes);
    } else {
        key->prefix = id;
    }
}

void on_apikey_read(struct task *task, const struct msg_apikey_read *message)
{
    struct named_key key;
    struct pg_params params;

    key_named(task, message->id, &key);
    BIND(&params, APIKEY_READ, .principal = (int32_t)task_tenant(task), .mac = key.mac,
         .prefix = key.prefix);
    task_answer_by(task, &params);
}

void on_apikey_revoke(struct task *task, const struct msg_apikey_revoke *message)
{
    struct named_key key;
    struct pg_params params;

    key_named(task, message->id, &key);
    BIND(&params, APIKEY_REVOKE, .principal = (int32_t)task_tenant(task), .mac = key.mac,
         .prefix = key.prefix);
    task_answer_by(task, &params);
}

static bool change_read(struct task *task, struct str text, struct buf *document, struct err *err)
{
    const struct json_view *view;
    struct raw_posted_key raw = {.name = STR_ABSENT};

    if (!json_parse(text, task->arena, &view, err) ||
        !shape_read(view, STR(""), change_members, COUNT_OF(change_members), task->arena, &raw,
                    err))
        return false;
    if (raw.permissions)
        return err_set(err, ERR_BAD_INPUT, "permissions: cannot be changed; make another key");
    json_open(document, '{');
    bool good = settings_write(&raw, document, err);
    json_close(document, '}');
    return good;
}

void on_apikey_change(struct task *task, const struct msg_apikey_change *message)
{
    AUTO(buf) document = {0};
    struct named_key key;
    struct pg_params params;
    struct err err;

    if (!change_read(task, message->document, &document, &err)) {
        task_fail(task, &err);
        return;
    }
    key_named(task, message->id, &key);
    BIND(&params, APIKEY_CHANGE, .principal = (int32_t)task_tenant(task), .mac = key.mac,
         .prefix = key.prefix, .doc = buf_str(&document));
    task_answer_by(task, &params);
}

void on_apikey_list(struct task *task, const struct msg_apikey_list *message)
{
    struct pg_params params;
    struct id ccid;
    struct err err;

    if (message->tenant.len > 0 && !str_equal(message->tenant, STR("*")) &&
        !id_parse(message->tenant, &ccid)) {
        err_set(&err, ERR_BAD_INPUT, "tenant: must be a UUID or *");
        task_fail(task, &err);
        return;
    }
    BIND(&params, APIKEY_LIST, .principal = (int32_t)task_tenant(task),
         .tenant = message->tenant.len ? message->tenant : STR_ABSENT, .revoked = message->revoked,
         .index = (int32_t)message->index, .count = (int32_t)message->count);
    task_answer_by(task, &params);
}
