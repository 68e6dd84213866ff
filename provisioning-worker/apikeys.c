// apikeys: API keys over HTTP. A key is shown when it is made and never again: the database has a MAC of
// it and its first characters.
#include "base/id.h"
#include "provisioning-worker/new_key.h"
#include "provisioning-worker/provisioning.h"
#include "service/task_statement.h"
#include "store/api_key.h"
#include "store/rules.h"
#include "store/statements.h"
#include "wire/codec_json.h"
#include "wire/shape.h"

void on_apikey_create(struct task *task, const struct msg_apikey_create *message);
void on_apikey_list(struct task *task, const struct msg_apikey_list *message);
void on_apikey_read(struct task *task, const struct msg_apikey_read *message);
void on_apikey_change(struct task *task, const struct msg_apikey_change *message);
void on_apikey_revoke(struct task *task, const struct msg_apikey_revoke *message);

enum {
    PERMISSIONS_LIMIT = 16,
    PERMISSION_LENGTH = 128,
    CAPACITY_MAX = 1000000,
    FREQUENCY_MAX = 86400
};

static task_render_fn apikey_created;

struct raw_key {
    struct str tenant, name;
    const struct json_view *permissions, *expires, *enabled, *capacity, *frequency;
    struct str operation;
};

static const struct member create_members[] = {
    MEMBER_TEXT(raw_key, tenant, "tenant", REQUIRED, 1, 36, NULL),
    MEMBER_TEXT(raw_key, name, "name", REQUIRED, 1, 128, NULL),
    MEMBER_LIST(raw_key, permissions, "permissions", REQUIRED, 1, PERMISSIONS_LIMIT),
    MEMBER_ANY(raw_key, enabled, "enabled", OPTIONAL),
    MEMBER_ANY(raw_key, expires, "expires", OPTIONAL),
    MEMBER_ANY(raw_key, capacity, "capacity", OPTIONAL),
    MEMBER_ANY(raw_key, frequency, "frequency", OPTIONAL),
};

static const struct member change_members[] = {
    MEMBER_TEXT(raw_key, name, "name", OPTIONAL, 1, 128, NULL),
    MEMBER_ANY(raw_key, permissions, "permissions", OPTIONAL),
    MEMBER_ANY(raw_key, enabled, "enabled", OPTIONAL),
    MEMBER_ANY(raw_key, expires, "expires", OPTIONAL),
    MEMBER_ANY(raw_key, capacity, "capacity", OPTIONAL),
    MEMBER_ANY(raw_key, frequency, "frequency", OPTIONAL),
    MEMBER_TEXT(raw_key, operation, "operationId", OPTIONAL, 0, 64, NULL),
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
        return err_set(err, ERR_BAD_INPUT, "%s: a whole number from %lld to %lld is wanted", name,
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
        return err_set(err, ERR_BAD_INPUT, "expires: false or a time is wanted");
    if (!time_check(json_text(view), &broken))
        return err_set(err, ERR_BAD_INPUT, "expires: false, or %s", broken.text);
    json_key_str(out, "expires", json_text(view));
    return true;
}

// The members that both a new key and a change may have.
static bool settings_write(const struct raw_key *raw, struct buf *out, struct err *err)
{
    if (raw->enabled && json_kind(raw->enabled) != TREE_BOOL)
        return err_set(err, ERR_BAD_INPUT, "enabled: true or false is wanted");
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
    struct raw_key raw = {.tenant = STR_ABSENT};
    AUTO(buf) mac = {0};
    struct id ccid;

    if (!json_parse(text, task->arena, &view, err) ||
        !shape_read_tolerant(view, STR(""), create_members, COUNT_OF(create_members), task->arena,
                             &raw, err) ||
        !permissions_check(raw.permissions, task->arena, err))
        return false;
    if (!str_equal(raw.tenant, STR("*")) && (!id_parse(raw.tenant, &ccid) || id_is_none(ccid)))
        return err_set(err, ERR_BAD_INPUT, "tenant: a UUID or * is wanted");
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
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, tenant);
    pg_text(&params, buf_str(&document));
    pg_text(&params, task->envelope.principal.name);
    task_render_by(task, STATEMENT_APIKEY_CREATE, &params, apikey_created);
}

// The stored key, with the key itself as its id. Dying just before loses the value of a key that
// exists, unless there is an Idempotency-Key: nobody can use it, and it can be revoked.
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

// ---- keys there are

// A key as a path names it: whole, or by its first characters.
static void key_bind(struct task *task, struct str id, struct pg_params *params)
{
    const struct provisioning *provisioning = service_state(task->service);
    unsigned char digest[SHA256_BYTES], mac[SHA256_BYTES];
    struct id whole;

    pg_int4(params, (int32_t)task_tenant(task));
    if (id_parse(id, &whole)) {
        crypto_sha256(id, digest);
        key_mac(provisioning->pepper, digest, mac);
        pg_bytea(params, str_make(mac, sizeof mac));
        pg_null(params);
    } else {
        pg_null(params);
        pg_text(params, id);
    }
}

static void key_answer_by(struct task *task, unsigned statement, struct str id)
{
    struct pg_params params;

    pg_params_init(&params);
    key_bind(task, id, &params);
    task_answer_by(task, statement, &params);
}

void on_apikey_read(struct task *task, const struct msg_apikey_read *message)
{
    key_answer_by(task, STATEMENT_APIKEY_READ, message->id);
}

void on_apikey_revoke(struct task *task, const struct msg_apikey_revoke *message)
{
    key_answer_by(task, STATEMENT_APIKEY_REVOKE, message->id);
}

static bool change_read(struct task *task, struct str text, struct buf *document, struct err *err)
{
    const struct json_view *view;
    struct raw_key raw = {.name = STR_ABSENT};

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
    struct pg_params params;
    struct err err;

    if (!change_read(task, message->document, &document, &err)) {
        task_fail(task, &err);
        return;
    }
    pg_params_init(&params);
    key_bind(task, message->id, &params);
    pg_text(&params, buf_str(&document));
    task_answer_by(task, STATEMENT_APIKEY_CHANGE, &params);
}

void on_apikey_list(struct task *task, const struct msg_apikey_list *message)
{
    struct pg_params params;
    struct id ccid;
    struct err err;

    if (message->tenant.len > 0 && !str_equal(message->tenant, STR("*")) &&
        !id_parse(message->tenant, &ccid)) {
        err_set(&err, ERR_BAD_INPUT, "tenant: a UUID or * is wanted");
        task_fail(task, &err);
        return;
    }
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, message->tenant.len ? message->tenant : STR_ABSENT);
    pg_bool(&params, message->revoked);
    pg_int4(&params, (int32_t)message->index);
    pg_int4(&params, (int32_t)message->count);
    task_answer_by(task, STATEMENT_APIKEY_LIST, &params);
}
