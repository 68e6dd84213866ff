// services: what a contact center uses. Documents are checked by their tables (store/service_schema.h),
// their secrets sealed before they get near the database; what was stored takes effect with the commit,
// because those who send read it anew for each message they claim.
#include "base/id.h"
#include "provisioning-worker/provisioning.h"
#include "service/task_statement.h"
#include "store/service_schema.h"
#include "store/statements.h"

void on_service_write(struct task *task, const struct msg_service_write *message);
void on_service_read(struct task *task, const struct msg_service_read *message);
void on_service_list(struct task *task, const struct msg_service_list *message);
void on_service_delete(struct task *task, const struct msg_service_delete *message);

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
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, message->ccid);
    pg_text(&params, message->service_name);
    pg_text(&params, buf_str(&text));
    pg_text(&params, task->envelope.principal.name);
    task_answer_by(task, STATEMENT_SERVICE_WRITE, &params);
}

static void service_answer_by(struct task *task, unsigned statement, struct id ccid,
                              struct str name)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, ccid);
    if (str_present(name))
        pg_text(&params, name);
    task_answer_by(task, statement, &params);
}

void on_service_read(struct task *task, const struct msg_service_read *message)
{
    service_answer_by(task, STATEMENT_SERVICE_READ, message->ccid, message->service_name);
}

void on_service_list(struct task *task, const struct msg_service_list *message)
{
    service_answer_by(task, STATEMENT_SERVICE_LIST, message->ccid, STR_ABSENT);
}

void on_service_delete(struct task *task, const struct msg_service_delete *message)
{
    service_answer_by(task, STATEMENT_SERVICE_DELETE, message->ccid, message->service_name);
}
