// tenants: contact centers. A contact center exists from the first request that names it
// (db/functions/administration/tenant.sql); provisioning adds its details and its first key.
#include "base/id.h"
#include "provisioning-worker/administration/new_key.h"
#include "provisioning-worker/handlers.h"
#include "provisioning-worker/provisioning.h"
#include "provisioning/rules.h"
#include "secrets/api_key.h"
#include "secrets/sealer.h"
#include "service/tasks/task_statement.h"
#include "store/statements.h"
#include "wire/json/codec_json.h"

static task_render_fn tenant_provisioned;

// The name of a contact center's first key, which distinguishes it from later ones.
static const struct str first_key_name = STR_INIT("chat");
static const struct str first_key_permissions = STR_INIT("[\"nexus:consumer:chat\"]");

static bool tenant_write(struct task *task, const struct msg_tenant_provision *message,
                         struct buf *document, struct err *err)
{
    const struct provisioning *provisioning = service_state(task->service);
    char ccid[ID_TEXT_LENGTH + 1];
    struct ring_sealer with = {.ring = provisioning->ring, .ccid = STR_ABSENT};
    AUTO(buf) sealed = {0};
    struct err broken;

    id_text(message->id, ccid);
    with.ccid = str_of(ccid);
    if (str_present(message->backend_url) && !webhook_url_check(message->backend_url, &broken))
        return err_set(err, ERR_BAD_INPUT, "backendurl: %s", broken.text);
    struct sealer sealer = ring_sealer(&with);
    if (str_present(message->token) &&
        !sealer.seal(sealer.context, STR("tenant"), STR("token"), message->token, &sealed, err))
        return false;
    json_open(document, '{');
    json_key_str(document, "id", str_of(ccid));
    json_key_str(document, "name", message->name);
    json_key_str(document, "type", message->type);
    json_key_str(document, "backendurl", message->backend_url);
    json_key_str(document, "username", message->username);
    json_key_str(document, "token", sealed.len ? buf_str(&sealed) : STR_ABSENT);
    if (message->genesys_tenant_id)
        json_key_int(document, "genesystemenantid", message->genesys_tenant_id);
    json_close(document, '}');
    return true;
}

static void first_key_write(const struct provisioning *provisioning, struct str value,
                            struct buf *out)
{
    AUTO(buf) mac = {0};

    api_key_mac_hex(provisioning->pepper, value, &mac);
    json_open(out, '{');
    json_key_str(out, "name", first_key_name);
    json_key_str(out, "mac", buf_str(&mac));
    json_key_str(out, "prefix", str_make(value.ptr, API_KEY_PREFIX_LENGTH));
    json_key_raw(out, "permissions", first_key_permissions);
    json_key_bool(out, "enabled", true);
    json_key_int(out, "capacity", API_KEY_CAPACITY);
    json_key_int(out, "frequency", API_KEY_FREQUENCY_S);
    json_close(out, '}');
}

void on_tenant_provision(struct task *task, const struct msg_tenant_provision *message)
{
    AUTO(buf) document = {0};
    AUTO(buf) key_document = {0};
    struct pg_params params;
    struct err err;

    if (!tenant_write(task, message, &document, &err) || !new_key_make(task, &err)) {
        task_fail(task, &err);
        return;
    }
    first_key_write(service_state(task->service), new_key_text(task), &key_document);
    BIND(&params, TENANT_PROVISION, .principal = (int32_t)task_tenant(task),
         .doc = buf_str(&document), .key = buf_str(&key_document),
         .by = task->envelope.principal.name);
    task_render_by(task, &params, tenant_provisioned);
}

// After a crash here the key exists but nobody knows its value, unless there is an Idempotency-Key:
// a repetition shows only its first characters. The key can be revoked and a new one made.
static bool tenant_provisioned(struct task *task, struct str row, struct buf *answer,
                               struct err *err)
{
    const struct json_view *stored;
    struct str value;

    if (!json_parse(row, task->arena, &stored, err))
        return false;
    if (!json_is_true(json_member(stored, "fresh")))
        value = json_text(json_member(stored, "xapikey"));
    else if (!new_key_shown(task, &value, err))
        return false;
    json_open(answer, '{');
    json_key_str(answer, "xapikey", value);
    json_close(answer, '}');
    return true;
}

void on_tenant_list(struct task *task, const struct msg_tenant_list *message)
{
    struct pg_params params;

    BIND(&params, TENANT_LIST, .principal = (int32_t)task_tenant(task),
         .index = (int32_t)message->index, .count = (int32_t)message->count);
    task_answer_by(task, &params);
}

void on_tenant_read(struct task *task, const struct msg_tenant_read *message)
{
    struct pg_params params;

    BIND(&params, TENANT_READ, .principal = (int32_t)task_tenant(task), .ccid = message->ccid);
    task_answer_by(task, &params);
}
