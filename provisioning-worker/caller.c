// caller: who calls? The gateway asks about a key by its digest, about a token that may be one of
// GWS's, or about a session, and keeps the answer for a while.
//
//   key      caller_of_key() ─ good ──────────────────────────────────────▶ reply
//                            ─ no key of ours, and it came as a token ─┐
//   session  session_use() ── unseal ──▶ token ────────────────────────┴▶ GWS ─▶ tenant_of_user() ─▶ reply
//
// Every reason to refuse a key is the same answer after the same work: one look-up by a MAC that a
// stranger cannot compute, so neither its time nor its text tells an unknown key from a revoked
// one. Whether a key is good is decided by PostgreSQL's clock, whether a token is, by GWS. A key of
// ours that is no good is not shown to GWS.
#include "base/buf.h"
#include "provisioning-worker/gws.h"
#include "provisioning-worker/provisioning.h"
#include "service/task.h"
#include "store/session.h"
#include "store/statements.h"

void on_caller_lookup(struct task *task, const struct msg_caller_lookup *message);

// Somebody whom only GWS can name.
struct stranger {
    struct task *task;
    struct gws_wait wait;
    struct id ccid; // none: the caller names none
    struct gws_user user;
    struct str expires; // of a session; absent otherwise
    int64_t expires_in_s;
};

static pg_done_fn key_answered, session_answered, tenant_answered;

static void refuse(struct task *task)
{
    struct err err;

    err_set(&err, ERR_UNKNOWN_KEY, "the key is not known here");
    task_fail(task, &err);
}

static bool ccid_read(const struct msg_caller_lookup *message, struct id *ccid)
{
    *ccid = (struct id){0};
    return message->ccid.len == 0 || (id_parse(message->ccid, ccid) && !id_is_none(*ccid));
}

static void ask_key(struct task *task, const struct msg_caller_lookup *message, struct id ccid)
{
    const struct provisioning *provisioning = service_state(task->service);
    unsigned char mac[SHA256_BYTES];
    AUTO(buf) digest = {0};
    struct pg_params params;
    struct err err;

    if (!buf_unhex(&digest, message->digest) || digest.len != SHA256_BYTES) {
        err_set(&err, ERR_BAD_INPUT, "digest: not 64 hex digits");
        task_fail(task, &err);
        return;
    }
    key_mac(provisioning->pepper, (const unsigned char *)digest.data, mac);
    pg_params_init(&params);
    pg_bytea(&params, str_make(mac, sizeof mac));
    pg_id(&params, ccid);
    pg_call(service_pg(task->service), STATEMENT_CALLER_OF_KEY, &params, key_answered, task);
}

static void ask_session(struct task *task, const struct msg_caller_lookup *message)
{
    const struct provisioning_config *config = service_config(task->service);
    unsigned char digest[SHA256_BYTES];
    struct pg_params params;

    session_digest(message->session, digest);
    pg_params_init(&params);
    pg_bytea(&params, str_make(digest, sizeof digest));
    pg_int4(&params, (int32_t)(config->session_idle_ms / 1000));
    pg_call(service_pg(task->service), STATEMENT_SESSION_USE, &params, session_answered, task);
}

void on_caller_lookup(struct task *task, const struct msg_caller_lookup *message)
{
    struct id ccid;

    if (!ccid_read(message, &ccid))
        refuse(task);
    else if (str_present(message->session))
        ask_session(task, message);
    else
        ask_key(task, message, ccid);
}

// ---- by GWS

static void gws_answered(void *context, const struct gws_user *user, const struct err *err)
{
    struct stranger *stranger = context;
    struct task *task = stranger->task;
    struct pg_params params;

    if (err) {
        task_fail(task, err);
        return;
    }
    stranger->user = *user;
    stranger->user.name = arena_copy(task->arena, user->name);
    stranger->user.permissions = arena_copy(task->arena, user->permissions);
    pg_params_init(&params);
    pg_id(&params, user->center);
    pg_id(&params, stranger->ccid);
    pg_call(service_pg(task->service), STATEMENT_TENANT_OF_USER, &params, tenant_answered,
            stranger);
}

static void ask_gws(struct task *task, struct str token, struct str places, struct str expires,
                    int64_t expires_in_s)
{
    const struct provisioning *provisioning = service_state(task->service);
    struct stranger *stranger = ARENA_ALLOC(task->arena, struct stranger);

    *stranger = (struct stranger){.task = task,
                                  .expires = str_present(expires) ? arena_copy(task->arena, expires)
                                                                  : STR_ABSENT,
                                  .expires_in_s = expires_in_s,
                                  .wait = {.done = gws_answered, .context = stranger}};
    (void)ccid_read(task->message, &stranger->ccid); // it could be read before
    gws_who(provisioning->gws, token, places, &stranger->wait);
}

static void key_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    const struct msg_caller_lookup *message = task->message;

    if (err)
        task_fail(task, err);
    else if (!pg_is_null(result, 0, 0))
        task_reply(task, pg_get_text(result, 0, 0));
    else if (pg_get_bool(result, 0, 1) || !str_present(message->token))
        refuse(task);
    else
        ask_gws(task, message->token, pg_get_text(result, 0, 2), STR_ABSENT, -1);
}

static void session_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    const struct msg_caller_lookup *message = task->message;
    AUTO(buf) token = {0};

    if (err) {
        task_fail(task, err);
        return;
    }
    if (pg_rows(result) == 0 ||
        !session_token_open(message->session, pg_get_text(result, 0, 0), &token))
        refuse(task);
    else
        ask_gws(task, buf_str(&token), pg_get_text(result, 0, 1), pg_get_text(result, 0, 2),
                pg_get_int8(result, 0, 3));
}

static void permissions_write(struct buf *json, struct str permissions)
{
    struct str one;

    json_key(json, "permissions");
    json_open(json, '[');
    while (permissions.len) {
        str_cut(permissions, ' ', &one, &permissions);
        json_str(json, one);
    }
    json_close(json, ']');
}

static void tenant_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct stranger *stranger = context;
    struct task *task = stranger->task;
    const struct gws_user *user = &stranger->user;
    AUTO(buf) json = {0};

    if (err) {
        task_fail(task, err);
        return;
    }
    if (pg_rows(result) == 0 || pg_is_null(result, 0, 0)) {
        refuse(task);
        return;
    }
    int32_t tenant = pg_get_int4(result, 0, 0);
    json_open(&json, '{');
    json_key_int(&json, "tenant", tenant);
    json_key_bool(&json, "all", tenant == 0);
    json_key_id(&json, "ccid", id_is_none(user->center) ? stranger->ccid : user->center);
    json_key_int(&json, "key", 0);
    json_key_bool(&json, "user", true);
    json_key_str(&json, "name", user->name);
    permissions_write(&json, user->permissions);
    json_key_str(&json, "expires", stranger->expires);
    if (stranger->expires_in_s >= 0)
        json_key_int(&json, "expires_in_s", stranger->expires_in_s);
    json_close(&json, '}');
    task_reply(task, buf_str(&json));
}
