// key_lookup: who holds this key? The gateway hashes the key it was shown, asks here, and keeps the
// answer for a minute.
//
// Every reason to refuse is the same answer after the same work: one look-up by a MAC that a
// stranger cannot compute, so neither its time nor its text tells an unknown key from a revoked
// one. Whether a key is good is decided by PostgreSQL's clock.
#include "base/buf.h"
#include "provisioning-worker/provisioning.h"
#include "service/task.h"
#include "store/statements.h"

void on_key_lookup(struct task *task, const struct msg_key_lookup *message);

static pg_done_fn key_lookup_done;

static bool refuse(struct err *err)
{
    return err_set(err, ERR_UNKNOWN_KEY, "the key is not known here");
}

static bool lookup_parse(const struct msg_key_lookup *message, struct buf *digest, struct id *ccid,
                         struct err *err)
{
    if (!buf_unhex(digest, message->digest) || digest->len != SHA256_BYTES)
        return err_set(err, ERR_BAD_INPUT, "digest: not 64 hex digits");
    if (message->ccid.len > 0 && (!id_parse(message->ccid, ccid) || id_is_none(*ccid)))
        return refuse(err);
    return true;
}

void on_key_lookup(struct task *task, const struct msg_key_lookup *message)
{
    const struct provisioning *provisioning = service_state(task->service);
    unsigned char mac[SHA256_BYTES];
    AUTO(buf) digest = {0};
    struct id ccid = {0};
    struct pg_params params;
    struct err err;

    if (!lookup_parse(message, &digest, &ccid, &err)) {
        task_fail(task, &err);
        return;
    }
    key_mac(provisioning->pepper, (const unsigned char *)digest.data, mac);
    pg_params_init(&params);
    pg_bytea(&params, str_make(mac, sizeof mac));
    pg_id(&params, ccid);
    pg_call(service_pg(task->service), STATEMENT_KEY_LOOKUP, &params, key_lookup_done, task);
}

static void key_lookup_done(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    struct err refusal;

    if (err) {
        task_fail(task, err);
    } else if (pg_rows(result) == 0 || pg_is_null(result, 0, 0)) {
        refuse(&refusal);
        task_fail(task, &refusal);
    } else {
        task_reply(task, pg_get_text(result, 0, 0));
    }
}
