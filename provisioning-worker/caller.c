// caller: who calls? The gateway asks about a key by its digest, about a token that may be one of
// GWS's, or about a session, and keeps the answer for a while.
//
//   key      callers_of_keys() ─ good ────────────────────────────────────▶ reply
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

extern const struct batch_def caller_lookup_batch;
void on_session_lookup(struct task *task, const struct msg_session_lookup *message);

// Somebody whom only GWS can name.
struct stranger {
    struct task *task;
    struct gws_wait wait;
    struct id ccid; // none: the caller names none
    struct gws_user user;
    struct str expires; // of a session; absent otherwise
    int64_t expires_in_s;
};

static pg_done_fn tenant_answered;

static void refuse(struct task *task)
{
    struct err err;

    err_set(&err, ERR_UNKNOWN_KEY, "the key is not known here");
    task_fail(task, &err);
}

static bool ccid_read(struct str text, struct id *ccid)
{
    *ccid = (struct id){0};
    return text.len == 0 || (id_parse(text, ccid) && !id_is_none(*ccid));
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
    pg_int4(&params, user->gws);
    pg_id(&params, user->center);
    pg_id(&params, stranger->ccid);
    pg_call(service_pg(task->service), STATEMENT_TENANT_OF_USER, &params, tenant_answered,
            stranger);
}

static void ask_gws(struct task *task, struct str ccid, struct str token, struct str places,
                    struct str expires, int64_t expires_in_s)
{
    const struct provisioning *provisioning = service_state(task->service);
    struct stranger *stranger = ARENA_ALLOC(task->arena, struct stranger);

    *stranger = (struct stranger){
        .task = task,
        .expires = str_present(expires) ? arena_copy(task->arena, expires) : STR_ABSENT,
        .expires_in_s = expires_in_s,
        .wait = {.done = gws_answered, .context = stranger, .trace = task->trace}};
    (void)ccid_read(ccid, &stranger->ccid); // it could be read before
    gws_who(provisioning->gws, token, places, &stranger->wait);
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

// ---- keys: those that came together are looked up together

static const struct msg_caller_lookup *lookup_of(struct batch_item *item)
{
    return task_of_item(item)->message;
}

static bool lookup_admit(void *context, struct batch_item *item, struct err *err)
{
    const struct msg_caller_lookup *message = lookup_of(item);
    AUTO(buf) digest = {0};
    struct id ccid;

    (void)context;
    if (!buf_unhex(&digest, message->digest) || digest.len != SHA256_BYTES)
        return err_set(err, ERR_BAD_INPUT, "digest: not 64 hex digits");
    if (!ccid_read(message->ccid, &ccid))
        return err_set(err, ERR_UNKNOWN_KEY, "the key is not known here");
    memcpy(&item->key, digest.data, sizeof item->key);
    return true;
}

static void lookups_bind(void *context, struct batch_item *const *items, size_t count,
                         struct pg_params *params)
{
    const struct provisioning *provisioning = service_state(context);

    pg_array(params, PG_ELEMENT_BYTEA, count);
    for (size_t i = 0; i < count; i++) {
        unsigned char mac[SHA256_BYTES];
        AUTO(buf) digest = {0};
        (void)!buf_unhex(&digest, lookup_of(items[i])->digest); // it was admitted
        key_mac(provisioning->pepper, (const unsigned char *)digest.data, mac);
        pg_add_text(params, str_make(mac, sizeof mac));
    }
    pg_array(params, PG_ELEMENT_UUID, count);
    for (size_t i = 0; i < count; i++) {
        struct id ccid;
        (void)ccid_read(lookup_of(items[i])->ccid, &ccid);
        pg_add_id(params, ccid);
    }
}

static void lookups_answered(void *context, struct batch_item *const *items, size_t count,
                             const struct pg_result *result)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        struct task *task = task_of_item(items[i]);
        const struct msg_caller_lookup *message = task->message;
        if (!pg_is_null(result, i, 0))
            task_reply(task, pg_get_text(result, i, 0));
        else if (pg_get_bool(result, i, 1) || !str_present(message->token))
            refuse(task);
        else
            ask_gws(task, message->ccid, message->token, pg_get_text(result, i, 2), STR_ABSENT, -1);
    }
}

static void lookup_failed(void *context, struct batch_item *item, const struct err *err)
{
    (void)context;
    task_fail(task_of_item(item), err);
}

const struct batch_def caller_lookup_batch = {
    .name = "caller.lookup",
    .statement = STATEMENT_CALLERS_OF_KEYS,
    .rows_limit = 100,
    .bytes_limit = 256 * 1024,
    .lanes = 2,
    .admit = lookup_admit,
    .bind = lookups_bind,
    .done = lookups_answered,
    .failed = lookup_failed,
};

// ---- sessions

static void session_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    const struct msg_session_lookup *message = task->message;
    AUTO(buf) token = {0};

    if (err) {
        task_fail(task, err);
        return;
    }
    if (pg_rows(result) == 0 ||
        !session_token_open(message->session, pg_get_text(result, 0, 0), &token))
        refuse(task);
    else
        ask_gws(task, message->ccid, buf_str(&token), pg_get_text(result, 0, 1),
                pg_get_text(result, 0, 2), pg_get_int8(result, 0, 3));
}

void on_session_lookup(struct task *task, const struct msg_session_lookup *message)
{
    const struct provisioning_config *config = service_config(task->service);
    unsigned char digest[SHA256_BYTES];
    struct pg_params params;
    struct id ccid;

    if (!ccid_read(message->ccid, &ccid)) {
        refuse(task);
        return;
    }
    session_digest(message->session, digest);
    pg_params_init(&params);
    pg_bytea(&params, str_make(digest, sizeof digest));
    pg_int4(&params, (int32_t)(config->session_idle_ms / 1000));
    pg_call(service_pg(task->service), STATEMENT_SESSION_USE, &params, session_answered, task);
}
