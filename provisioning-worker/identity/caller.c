// caller: identifies callers. The gateway asks about a key by its digest, about a token that may
// belong to GWS, or about a session, and caches the answer for a while.
//
//   key      callers_of_keys() ─ good ────────────────────────────────────▶ reply
//                            ─ no key of ours, and it came as a token ─┐
//   session  session_use() ── unseal ──▶ token ────────────────────────┴▶ GWS ─▶ tenant_of_user() ─▶ reply
//
// All refusals of a key have the same answer after the same work: one look-up by a MAC that an
// attacker cannot compute, so neither time nor text distinguishes an unknown key from a revoked
// one. PostgreSQL's clock decides whether a key is valid; GWS decides whether a token is. An
// invalid key of ours is not sent to GWS.
#include "base/buf.h"
#include "provisioning-worker/handlers.h"
#include "provisioning-worker/identity/gws.h"
#include "provisioning-worker/provisioning.h"
#include "secrets/session.h"
#include "service/tasks/task.h"
#include "store/statements.h"

// A caller that only GWS can identify.
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
    BIND(&params, TENANT_OF_USER, .gws = user->gws, .center = user->center, .ccid = stranger->ccid);
    pg_call(service_pg(task->service), &params, tenant_answered, stranger);
}

static void ask_gws(struct task *task, struct str ccid, struct str token, struct str places,
                    struct str expires, int64_t expires_in_s)
{
    const struct provisioning *provisioning = service_state(task->service);
    struct stranger *stranger = ARENA_ALLOC(task->arena, struct stranger);

    *stranger = (struct stranger){.task = task,
                                  .expires = str_present(expires) ? arena_copy(task->arena, expires)
                                                                  : STR_ABSENT,
                                  .expires_in_s = expires_in_s,
                                  .wait = {.done = gws_answered,
                                           .context = stranger,
                                           .trace = task->trace,
                                           .deadline_ms = task->item.deadline_ms}};
    (void)ccid_read(ccid, &stranger->ccid); // checked when the request came
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
    if (pg_rows(result) == 0 || IS_NULL(result, 0, TENANT_OF_USER, tenant_of_user_of)) {
        refuse(task);
        return;
    }
    int32_t tenant = GET(result, 0, TENANT_OF_USER, tenant_of_user_of);
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

// ---- keys: keys that arrive together are looked up together

enum { LOOKUPS_LIMIT = 100 };

static const struct msg_caller_lookup *lookup_of(struct batch_item *item)
{
    return caller_lookup_of(task_of_item(item));
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
    struct row_CALLERS_OF_KEYS rows[LOOKUPS_LIMIT];
    unsigned char macs[LOOKUPS_LIMIT][SHA256_BYTES];

    for (size_t i = 0; i < count; i++) {
        const struct msg_caller_lookup *message = lookup_of(items[i]);
        AUTO(buf) digest = {0};
        struct id ccid;
        (void)!buf_unhex(&digest, message->digest); // it was admitted
        (void)ccid_read(message->ccid, &ccid);
        key_mac(provisioning->pepper, (const unsigned char *)digest.data, macs[i]);
        rows[i] = (struct row_CALLERS_OF_KEYS){
            .macs = str_make(macs[i], sizeof macs[i]),
            .ccids = ccid,
        };
    }
    BIND_ROWS(params, CALLERS_OF_KEYS, rows, count);
}

static void lookups_answered(void *context, struct batch_item *const *items, size_t count,
                             const struct pg_result *result)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        struct task *task = task_of_item(items[i]);
        const struct msg_caller_lookup *message = caller_lookup_of(task);
        if (!IS_NULL(result, i, CALLERS_OF_KEYS, caller))
            task_reply(task, GET(result, i, CALLERS_OF_KEYS, caller));
        else if (GET(result, i, CALLERS_OF_KEYS, known) || !str_present(message->token))
            refuse(task);
        else
            ask_gws(task, message->ccid, message->token, GET(result, i, CALLERS_OF_KEYS, places),
                    STR_ABSENT, -1);
    }
}

const struct batch_def caller_lookup_batch = {
    .name = "caller.lookup",
    .statement = STATEMENT_CALLERS_OF_KEYS,
    .rows_limit = LOOKUPS_LIMIT,
    .bytes_limit = 256 * 1024,
    .lanes = 2,
    .admit = lookup_admit,
    .bind = lookups_bind,
    .done = lookups_answered,
    .failed = task_item_failed,
};

// ---- sessions

static void session_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    const struct msg_session_lookup *message = session_lookup_of(task);
    AUTO(buf) token = {0};

    if (err) {
        task_fail(task, err);
        return;
    }
    if (pg_rows(result) == 0 ||
        !session_token_open(message->session, GET(result, 0, SESSION_USE, token), &token))
        refuse(task);
    else
        ask_gws(task, message->ccid, buf_str(&token), GET(result, 0, SESSION_USE, places),
                GET(result, 0, SESSION_USE, expires), GET(result, 0, SESSION_USE, expires_in_s));
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
    BIND(&params, SESSION_USE, .digest = str_make(digest, sizeof digest),
         .idle_s = (int32_t)(config->session_idle_ms / 1000));
    pg_call(service_pg(task->service), &params, session_answered, task);
}
