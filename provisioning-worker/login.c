// login: people log in at GWS, come back with a code, and get a session.
//
//   login.begin    where to send the browser
//   login.finish   code ─▶ token ─▶ whose is it? ─▶ which tenant? ─▶ a row of admin_session
//   session.end    GWS is told that the log-in is over, and the row goes
//
// The session's secret is the gateway's choice and in the cookie only. Dying between code and row
// leaves nothing: the code is used up, and the person logs in again.
#include "base/buf.h"
#include "base/log.h"
#include "provisioning-worker/gws.h"
#include "provisioning-worker/provisioning.h"
#include "service/task.h"
#include "service/task_statement.h"
#include "store/keyring.h"
#include "store/secret.h"
#include "store/session.h"
#include "store/statements.h"
#include "wire/codec_json.h"

void on_login_begin(struct task *task, const struct msg_login_begin *message);
void on_login_finish(struct task *task, const struct msg_login_finish *message);
void on_session_end(struct task *task, const struct msg_session_end *message);

// A log-in on its way.
struct login {
    struct task *task;
    int32_t gws;
    struct str places; // the one it began at
    struct gws_wait wait;
    struct gws_grant grant;
    struct str name;
};

static pg_done_fn begin_answered, client_answered, tenant_answered, held_answered;

static void percent(struct buf *url, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
            (byte >= 'a' && byte <= 'z') || memchr("-._~", byte, 4))
            buf_byte(url, byte);
        else
            buf_printf(url, "%%%02X", byte);
    }
}

static bool is_configured(const struct pg_result *result, struct err *err)
{
    return pg_rows(result) > 0 ||
           err_set(err, ERR_UNAVAILABLE, "nobody has said where GWS is (table nex_gapis)");
}

// ---- login.begin

void on_login_begin(struct task *task, const struct msg_login_begin *message)
{
    struct pg_params params;

    (void)message;
    pg_params_init(&params);
    pg_call(service_pg(task->service), STATEMENT_GWS_CLIENT, &params, begin_answered, task);
}

static void begin_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    const struct msg_login_begin *message = task->message;
    AUTO(buf) url = {0};
    AUTO(buf) json = {0};
    struct err fault;

    if (err || !is_configured(result, &fault)) {
        task_fail(task, err ? err : &fault);
        return;
    }
    struct str base = pg_get_text(result, 0, 2);
    while (base.len && base.ptr[base.len - 1] == '/')
        base.len--;
    buf_str_append(&url, base);
    buf_str_append(&url, STR("/auth/v3/oauth/authorize?response_type=code&client_id="));
    percent(&url, pg_get_text(result, 0, 3));
    buf_str_append(&url, STR("&redirect_uri="));
    percent(&url, message->redirect_uri);
    buf_str_append(&url, STR("&state="));
    percent(&url, message->state);
    if (str_present(message->challenge)) {
        buf_str_append(&url, STR("&code_challenge_method=S256&code_challenge="));
        percent(&url, message->challenge);
    }
    json_open(&json, '{');
    json_key_str(&json, "location", buf_str(&url));
    json_close(&json, '}');
    task_reply(task, buf_str(&json));
}

// ---- login.finish

void on_login_finish(struct task *task, const struct msg_login_finish *message)
{
    struct pg_params params;

    (void)message;
    pg_params_init(&params);
    pg_call(service_pg(task->service), STATEMENT_GWS_CLIENT, &params, client_answered, task);
}

static void secret_sealed(void *context, const struct pg_result *result, const struct err *err)
{
    (void)context;
    (void)result;
    if (err)
        LOG_WARN("gws.secret_not_sealed", LOG_ERR(err)); // the next log-in tries again
}

// The client's secret in clear. One that an operator wrote down in clear is sealed from now on.
static bool secret_open(struct service *service, const struct pg_result *result, struct buf *clear,
                        struct err *err)
{
    const struct provisioning *provisioning = service_state(service);
    struct str stored = pg_get_text(result, 0, 4);
    AUTO(buf) aad = {0};
    AUTO(buf) sealed = {0};
    struct pg_params params;

    if (stored.len == 0)
        return true;
    secret_aad(&aad, STR("*"), pg_get_text(result, 0, 3), "clientSecret");
    if (!keyring_adopt(provisioning->ring, buf_str(&aad), stored, clear, &sealed, err))
        return false;
    if (sealed.len == 0)
        return true;
    pg_params_init(&params);
    pg_int4(&params, pg_get_int4(result, 0, 0));
    pg_text(&params, stored);
    pg_text(&params, buf_str(&sealed));
    pg_call(service_pg(service), STATEMENT_GWS_CLIENT_SEAL, &params, secret_sealed, NULL);
    return true;
}

static void token_came(void *context, const struct gws_grant *grant, const struct err *err);

static void client_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    const struct provisioning *provisioning = service_state(task->service);
    const struct msg_login_finish *message = task->message;
    struct login *login = ARENA_ALLOC(task->arena, struct login);
    AUTO(buf) secret = {0};
    AUTO(buf) places = {0};
    struct err fault;

    if (err || !is_configured(result, &fault) ||
        !secret_open(task->service, result, &secret, &fault)) {
        task_fail(task, err ? err : &fault);
        return;
    }
    *login = (struct login){.task = task, .gws = pg_get_int4(result, 0, 0)};
    json_open(&places, '[');
    json_open(&places, '{');
    json_key_int(&places, "id", login->gws);
    json_key_str(&places, "url", pg_get_text(result, 0, 1));
    json_close(&places, '}');
    json_close(&places, ']');
    login->places = arena_copy(task->arena, buf_str(&places));
    gws_redeem(provisioning->gws,
               &(struct gws_redemption){.url = pg_get_text(result, 0, 1),
                                        .client = pg_get_text(result, 0, 3),
                                        .secret = buf_str(&secret),
                                        .code = message->code,
                                        .redirect_uri = message->redirect_uri,
                                        .verifier = message->verifier,
                                        .trace = task->trace},
               token_came, login);
}

static void user_came(void *context, const struct gws_user *user, const struct err *err);

static void token_came(void *context, const struct gws_grant *grant, const struct err *err)
{
    struct login *login = context;
    struct task *task = login->task;
    const struct provisioning *provisioning = service_state(task->service);

    if (err) {
        task_fail(task, err);
        return;
    }
    login->grant = *grant;
    login->grant.token = arena_copy(task->arena, grant->token);
    login->wait =
        (struct gws_wait){.done = user_came, .context = login, .trace = login->task->trace};
    gws_who(provisioning->gws, login->grant.token, login->places, &login->wait);
}

static void user_came(void *context, const struct gws_user *user, const struct err *err)
{
    struct login *login = context;
    struct task *task = login->task;
    struct pg_params params;
    struct err fault;

    if (!err && user->permissions.len == 0)
        err_set(&fault, ERR_FORBIDDEN, "this user has no permission here");
    if (err || user->permissions.len == 0) {
        task_fail(task, err ? err : &fault);
        return;
    }
    login->name = arena_copy(task->arena, user->name);
    pg_params_init(&params);
    pg_int4(&params, login->gws);
    pg_id(&params, user->center);
    pg_id(&params, (struct id){0});
    pg_call(service_pg(task->service), STATEMENT_TENANT_OF_USER, &params, tenant_answered, login);
}

static void tenant_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct login *login = context;
    struct task *task = login->task;
    const struct msg_login_finish *message = task->message;
    const struct provisioning_config *config = service_config(task->service);
    unsigned char digest[SHA256_BYTES];
    int64_t life_s = config->session_life_ms / 1000;
    AUTO(buf) sealed = {0};
    struct pg_params params;

    if (err) {
        task_fail(task, err);
        return;
    }
    if (login->grant.expires_in_s < life_s)
        life_s = login->grant.expires_in_s;
    session_digest(message->session, digest);
    session_token_seal(message->session, login->grant.token, &sealed);
    pg_params_init(&params);
    pg_bytea(&params, str_make(digest, sizeof digest));
    pg_int4(&params, pg_get_int4(result, 0, 0));
    pg_text(&params, login->name);
    pg_int4(&params, login->gws);
    pg_text(&params, buf_str(&sealed));
    pg_int4(&params, (int32_t)life_s);
    task_answer_by(task, STATEMENT_SESSION_OPEN, &params);
}

// ---- session.end

void on_session_end(struct task *task, const struct msg_session_end *message)
{
    unsigned char digest[SHA256_BYTES];
    struct pg_params params;

    session_digest(message->session, digest);
    pg_params_init(&params);
    pg_bytea(&params, str_make(digest, sizeof digest));
    pg_call(service_pg(task->service), STATEMENT_SESSION_HELD, &params, held_answered, task);
}

static void row_end(void *context)
{
    struct task *task = context;
    const struct msg_session_end *message = task->message;
    unsigned char digest[SHA256_BYTES];
    struct pg_params params;

    session_digest(message->session, digest);
    pg_params_init(&params);
    pg_bytea(&params, str_make(digest, sizeof digest));
    task_answer_by(task, STATEMENT_SESSION_END, &params);
}

// GWS first. Dying before the row goes leaves a session whose token GWS does not know any more: it opens
// nothing. GWS that cannot be told does not keep anybody here: the token is nowhere else, and ends by its age.
static void held_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    const struct provisioning *provisioning = service_state(task->service);
    const struct msg_session_end *message = task->message;
    AUTO(buf) token = {0};

    if (err) {
        task_fail(task, err);
        return;
    }
    if (pg_rows(result) == 0 ||
        !session_token_open(message->session, pg_get_text(result, 0, 0), &token)) {
        row_end(task);
        return;
    }
    gws_sign_out(provisioning->gws, pg_get_text(result, 0, 1), buf_str(&token), &task->trace,
                 row_end, task);
    explicit_bzero(token.data, token.len);
}
