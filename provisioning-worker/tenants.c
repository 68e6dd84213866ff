// tenants: contact centers. A contact center exists from the first that names it (db/functions/tenant.sql);
// provisioning it says the rest, and gives it its first key.
#include "base/id.h"
#include "provisioning-worker/new_key.h"
#include "provisioning-worker/provisioning.h"
#include "service/task_statement.h"
#include "store/api_key.h"
#include "store/rules.h"
#include "store/sealer.h"
#include "store/statements.h"
#include "wire/codec_json.h"

void on_tenant_provision(struct task *task, const struct msg_tenant_provision *message);
void on_tenant_list(struct task *task, const struct msg_tenant_list *message);
void on_tenant_read(struct task *task, const struct msg_tenant_read *message);

static task_render_fn tenant_provisioned;

// The key that a contact center is given, by the name that tells it from those made later.
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
        json_key_int(document, "genesystenantid", message->genesys_tenant_id);
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
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, buf_str(&document));
    pg_text(&params, buf_str(&key_document));
    pg_text(&params, task->envelope.principal.name);
    task_render_by(task, STATEMENT_TENANT_PROVISION, &params, tenant_provisioned);
}

// Dying just here loses the value of a key that exists, unless there is an Idempotency-Key: a
// repetition shows only its first characters. It can be revoked and made anew.
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

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_int4(&params, (int32_t)message->index);
    pg_int4(&params, (int32_t)message->count);
    task_answer_by(task, STATEMENT_TENANT_LIST, &params);
}

void on_tenant_read(struct task *task, const struct msg_tenant_read *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, message->ccid);
    task_answer_by(task, STATEMENT_TENANT_READ, &params);
}
