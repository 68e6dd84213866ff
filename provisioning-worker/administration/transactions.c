// transactions: sections of options, checked by their table (provisioning/transaction_schema.h).
// They define numbers and endpoints; the channels that the hot path reads are updated in the same
// transaction (db/functions/administration/channel.sql).
#include "base/id.h"
#include "provisioning-worker/handlers.h"
#include "provisioning-worker/provisioning.h"
#include "provisioning/transaction_schema.h"
#include "service/tasks/task_statement.h"
#include "store/statements.h"

static bool transaction_check(struct str transaction, struct err *err)
{
    return transaction_is_known(transaction) ||
           err_set(err, ERR_NOT_FOUND, "there is no such transaction");
}

// One section in the form that transaction_write() of the database expects.
static bool section_write(struct task *task, const struct msg_transaction_write *message,
                          struct str section, const struct json_view *options, struct str path,
                          struct buf *out, struct err *err)
{
    const struct provisioning *provisioning = service_state(task->service);
    struct section_document document;
    char ccid[ID_TEXT_LENGTH + 1];

    id_text(message->ccid, ccid);
    struct ring_sealer with = {.ring = provisioning->ring, .ccid = str_of(ccid)};
    struct sealer sealer = ring_sealer(&with);
    if (!section_document_read(message->transaction, section, options, path, &sealer, task->arena,
                               &document, err))
        return false;
    json_key(out, arena_c_string(task->arena, section));
    json_open(out, '{');
    json_key_raw(out, "options", document.options);
    json_key_raw(out, "secret", document.secret);
    json_close(out, '}');
    return true;
}

static bool sections_write(struct task *task, const struct msg_transaction_write *message,
                           struct buf *out, struct err *err)
{
    const struct json_view *view, *options;
    struct str name;
    size_t cursor = 0;
    bool good = true;

    if (!transaction_check(message->transaction, err) ||
        !json_parse(message->document, task->arena, &view, err))
        return false;
    json_open(out, '{');
    if (str_present(message->section))
        good = section_write(task, message, message->section, view, STR(""), out, err);
    else
        while (good && json_object_next(view, &cursor, &name, &options))
            good = section_write(task, message, name, options, name, out, err);
    json_close(out, '}');
    return good;
}

void on_transaction_write(struct task *task, const struct msg_transaction_write *message)
{
    AUTO(buf) sections = {0};
    struct pg_params params;
    struct err err;

    if (!sections_write(task, message, &sections, &err)) {
        task_fail(task, &err);
        return;
    }
    BIND(&params, TRANSACTION_WRITE, .principal = (int32_t)task_tenant(task), .ccid = message->ccid,
         .transaction = message->transaction, .section = message->section,
         .sections = buf_str(&sections), .by = task->envelope.principal.name);
    task_answer_by(task, &params);
}

void on_transaction_read(struct task *task, const struct msg_transaction_read *message)
{
    struct pg_params params;
    struct err err;

    if (!transaction_check(message->transaction, &err)) {
        task_fail(task, &err);
        return;
    }
    BIND(&params, TRANSACTION_READ, .principal = (int32_t)task_tenant(task), .ccid = message->ccid,
         .transaction = message->transaction, .section = message->section);
    task_answer_by(task, &params);
}

void on_transaction_delete(struct task *task, const struct msg_transaction_delete *message)
{
    struct pg_params params;
    struct err err;

    if (!transaction_check(message->transaction, &err)) {
        task_fail(task, &err);
        return;
    }
    BIND(&params, TRANSACTION_DELETE, .principal = (int32_t)task_tenant(task),
         .ccid = message->ccid, .transaction = message->transaction, .section = message->section);
    task_answer_by(task, &params);
}
