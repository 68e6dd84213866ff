// services: what a contact center uses. Documents are checked by their tables (provisioning/service_schema.h),
// their secrets are sealed before they are sent to the database. A change takes effect with its
// commit, because each claim of the delivery engine reads the settings again.
#include "base/id.h"
#include "provisioning-worker/handlers.h"
#include "provisioning-worker/provisioning.h"
#include "provisioning/service_schema.h"
#include "service/tasks/task_statement.h"
#include "store/statements.h"

static bool service_read(struct task *task, const struct msg_service_write *message,
                         struct service_document *document, struct err *err)
{
    const struct provisioning *provisioning = service_state(task->service);
    const struct json_view *view;
    enum service_kind kind;
    char ccid[ID_TEXT_LENGTH + 1];

    id_text(message->ccid, ccid);
    struct ring_sealer with = {.ring = provisioning->ring, .ccid = str_of(ccid)};
    struct sealer sealer = ring_sealer(&with);
    if (!service_kind_named(message->service_name, &kind))
        return err_set(err, ERR_BAD_INPUT, "serviceName: unknown service");
    return json_parse(message->document, task->arena, &view, err) &&
           service_document_read(kind, view, STR(""), service_https_only(task->service), &sealer,
                                 task->arena, document, err);
}

void on_service_write(struct task *task, const struct msg_service_write *message)
{
    struct service_document document;
    AUTO(buf) text = {0};
    struct pg_params params;
    struct err err;

    if (!service_read(task, message, &document, &err)) {
        task_fail(task, &err);
        return;
    }
    json_open(&text, '{');
    json_key_str(&text, "url", document.url);
    json_key_raw(&text, "data", document.data);
    json_key_raw(&text, "secret", document.secret);
    json_key_str(&text, "missing", document.missing);
    json_close(&text, '}');
    BIND(&params, SERVICE_WRITE, .principal = (int32_t)task_tenant(task), .ccid = message->ccid,
         .name = message->service_name, .doc = buf_str(&text), .by = task->envelope.principal.name);
    task_answer_by(task, &params);
}

void on_service_read(struct task *task, const struct msg_service_read *message)
{
    struct pg_params params;

    BIND(&params, SERVICE_READ, .principal = (int32_t)task_tenant(task), .ccid = message->ccid,
         .name = message->service_name);
    task_answer_by(task, &params);
}

void on_service_list(struct task *task, const struct msg_service_list *message)
{
    struct pg_params params;

    BIND(&params, SERVICE_LIST, .principal = (int32_t)task_tenant(task), .ccid = message->ccid);
    task_answer_by(task, &params);
}

void on_service_delete(struct task *task, const struct msg_service_delete *message)
{
    struct pg_params params;

    BIND(&params, SERVICE_DELETE, .principal = (int32_t)task_tenant(task), .ccid = message->ccid,
         .name = message->service_name);
    task_answer_by(task, &params);
}
