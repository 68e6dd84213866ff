// transactions: sections of options, checked by their table (store/transaction_schema.h). Numbers and
// endpoints stand here; the channels that the hot path reads follow in the same transaction
// (db/functions/channel.sql).
#include "base/id.h"
#include "provisioning-worker/provisioning.h"
#include "service/task_statement.h"
#include "store/statements.h"
#include "store/transaction_schema.h"

void on_transaction_write(struct task *task, const struct msg_transaction_write *message);
void on_transaction_read(struct task *task, const struct msg_transaction_read *message);
void on_transaction_delete(struct task *task, const struct msg_transaction_delete *message);

static bool transaction_check(struct str transaction, struct err *err)
{
    return transaction_is_known(transaction) ||
           err_set(err, ERR_NOT_FOUND, "there is no such transaction");
}

// One section, as transaction_write() of the database takes it.
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
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, message->ccid);
    pg_text(&params, message->transaction);
    pg_text(&params, message->section);
    pg_text(&params, buf_str(&sections));
    pg_text(&params, task->envelope.principal.name);
    task_answer_by(task, STATEMENT_TRANSACTION_WRITE, &params);
}

static void section_answer_by(struct task *task, unsigned statement, struct id ccid,
                              struct str transaction, struct str section)
{
    struct pg_params params;
    struct err err;

    if (!transaction_check(transaction, &err)) {
        task_fail(task, &err);
        return;
    }
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, ccid);
    pg_text(&params, transaction);
    pg_text(&params, section);
    task_answer_by(task, statement, &params);
}

void on_transaction_read(struct task *task, const struct msg_transaction_read *message)
{
    section_answer_by(task, STATEMENT_TRANSACTION_READ, message->ccid, message->transaction,
                      message->section);
}

void on_transaction_delete(struct task *task, const struct msg_transaction_delete *message)
{
    section_answer_by(task, STATEMENT_TRANSACTION_DELETE, message->ccid, message->transaction,
                      message->section);
}
