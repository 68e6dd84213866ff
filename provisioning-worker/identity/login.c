// login: users log in at GWS, return with a code, and get a session.
//
//   login.begin    where to send the browser
//   login.finish   code ─▶ token ─▶ its owner ─▶ tenant ─▶ a row of admin_session
//   session.end    the token is signed out at GWS, and the row is deleted
//
// The gateway chooses the session's secret, which is only in the cookie. A crash between code and
// row leaves nothing: the code is used, and the user logs in again.
#include "base/buf.h"
#include "provisioning-worker/handlers.h"
#include "provisioning-worker/identity/gws.h"
#include "provisioning-worker/provisioning.h"
#include "secrets/keyring.h"
#include "secrets/secret.h"
#include "secrets/session.h"
#include "service/tasks/task.h"
#include "service/tasks/task_statement.h"
#include "store/statements.h"
#include "telemetry/log.h"
#include "wire/json/codec_json.h"

// A log-in in progress.
struct login {
    struct task *task;
    int32_t gws;
    struct str places; // a list of the one where it began
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
           err_set(err, ERR_UNAVAILABLE, "no GWS is configured (nexusctl gapis add)");
}

// ---- login.begin

void on_login_begin(struct task *task, const struct msg_login_begin *message)
{
    struct pg_params params;

    (void)message;
    bind_nothing(&params, STATEMENT_GWS_CLIENT);
    pg_call(service_pg(task->service), &params, begin_answered, task);
}

static void begin_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    const struct msg_login_begin *message = login_begin_of(task);
    AUTO(buf) url = {0};
    AUTO(buf) json = {0};
    struct err fault;

    if (err || !is_configured(result, &fault)) {
        task_fail(task, err ? err : &fault);
        return;
    }
    struct str base = GET(result, 0, GWS_CLIENT, browser_url);
    while (base.len && base.ptr[base.len - 1] == '/')
        base.len--;
    buf_str_append(&url, base);
    buf_str_append(&url, STR("/auth/v3/oauth/authorize?response_type=code&client_id="));
    percent(&url, GET(result, 0, GWS_CLIENT, client));
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
    bind_nothing(&params, STATEMENT_GWS_CLIENT);
    pg_call(service_pg(task->service), &params, client_answered, task);
}

static void secret_sealed(void *context, const struct pg_result *result, const struct err *err)
{
    (void)context;
    (void)result;
    if (err)
        LOG_WARN("gws.secret_not_sealed", LOG_ERR(err)); // the next log-in tries again
}

// The client's secret in clear. A secret that an operator stored in clear is sealed from now on.
static bool secret_open(struct service *service, const struct pg_result *result, struct buf *clear,
                        struct err *err)
{
    const struct provisioning *provisioning = service_state(service);
    struct str stored = GET(result, 0, GWS_CLIENT, secret);
    AUTO(buf) aad = {0};
    AUTO(buf) sealed = {0};
    struct pg_params params;

    if (stored.len == 0)
        return true;
    secret_aad(&aad, STR("*"), GET(result, 0, GWS_CLIENT, client), "clientSecret");
    if (!keyring_adopt(provisioning->ring, buf_str(&aad), stored, clear, &sealed, err))
        return false;
    if (sealed.len == 0)
        return true;
    BIND(&params, GWS_CLIENT_SEAL, .gws = GET(result, 0, GWS_CLIENT, id), .clear = stored,
         .sealed = buf_str(&sealed));
    pg_call(service_pg(service), &params, secret_sealed, NULL);
    return true;
}

static void token_came(void *context, const struct gws_grant *grant, const struct err *err);

static void client_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    const struct provisioning *provisioning = service_state(task->service);
    const struct msg_login_finish *message = login_finish_of(task);
    struct login *login = ARENA_ALLOC(task->arena, struct login);
    AUTO(buf) secret = {0};
    AUTO(buf) places = {0};
    struct err fault;

    if (err || !is_configured(result, &fault) ||
        !secret_open(task->service, result, &secret, &fault)) {
        task_fail(task, err ? err : &fault);
        return;
    }
    *login = (struct login){.task = task, .gws = GET(result, 0, GWS_CLIENT, id)};
    json_open(&places, '[');
    json_open(&places, '{');
    json_key_int(&places, "id", login->gws);
    json_key_str(&places, "url", GET(result, 0, GWS_CLIENT, url));
    json_close(&places, '}');
    json_close(&places, ']');
    login->places = arena_copy(task->arena, buf_str(&places));
    gws_redeem(provisioning->gws,
               &(struct gws_redemption){.url = GET(result, 0, GWS_CLIENT, url),
                                        .client = GET(result, 0, GWS_CLIENT, client),
                                        .secret = buf_str(&secret),
                                        .code = message->code,
                                        .redirect_uri = message->redirect_uri,
                                        .verifier = message->verifier,
                                        .trace = task->trace,
                                        .deadline_ms = task->item.deadline_ms},
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
    login->wait = (struct gws_wait){.done = user_came,
                                    .context = login,
                                    .trace = task->trace,
                                    .deadline_ms = task->item.deadline_ms};
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
    BIND(&params, TENANT_OF_USER, .gws = login->gws, .center = user->center);
    pg_call(service_pg(task->service), &params, tenant_answered, login);
}

static void tenant_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct login *login = context;
    struct task *task = login->task;
    const struct msg_login_finish *message = login_finish_of(task);
    const struct provisioning_config *config = service_config(task->service);
    unsigned char digest[SHA256_BYTES];
    int64_t life_s = config->session_life_ms / 1000;
    AUTO(buf) sealed = {0};
    struct pg_params params;
    struct err fault;

    if (err) {
        task_fail(task, err);
        return;
    }
    // Null: this GWS may not identify users of that contact center, or it is being deleted. 0 would
    // act for all.
    if (IS_NULL(result, 0, TENANT_OF_USER, tenant_of_user_of)) {
        err_set(&fault, ERR_FORBIDDEN, "this user has no permission here");
        task_fail(task, &fault);
        return;
    }
    if (login->grant.expires_in_s < life_s)
        life_s = login->grant.expires_in_s;
    session_digest(message->session, digest);
    session_token_seal(message->session, login->grant.token, &sealed);
    BIND(&params, SESSION_OPEN, .digest = str_make(digest, sizeof digest),
         .tenant = GET(result, 0, TENANT_OF_USER, tenant_of_user_of), .user = login->name,
         .gws = login->gws, .token = buf_str(&sealed), .life_s = (int32_t)life_s);
    task_answer_by(task, &params);
}

// ---- session.end

void on_session_end(struct task *task, const struct msg_session_end *message)
{
    unsigned char digest[SHA256_BYTES];
    struct pg_params params;

    session_digest(message->session, digest);
    BIND(&params, SESSION_HELD, .digest = str_make(digest, sizeof digest));
    pg_call(service_pg(task->service), &params, held_answered, task);
}

static void row_end(void *context)
{
    struct task *task = context;
    const struct msg_session_end *message = session_end_of(task);
    unsigned char digest[SHA256_BYTES];
    struct pg_params params;

    session_digest(message->session, digest);
    BIND(&params, SESSION_END, .digest = str_make(digest, sizeof digest));
    task_answer_by(task, &params);
}

// GWS first. A crash before the row is deleted leaves a session whose token GWS no longer accepts,
// so it grants nothing. If GWS cannot be reached the sign-out still succeeds: the token is stored
// nowhere else and expires by itself.
static void held_answered(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    const struct provisioning *provisioning = service_state(task->service);
    const struct msg_session_end *message = session_end_of(task);
    AUTO(buf) token = {0};

    if (err) {
        task_fail(task, err);
        return;
    }
    if (pg_rows(result) == 0 ||
        !session_token_open(message->session, GET(result, 0, SESSION_HELD, token), &token)) {
        row_end(task);
        return;
    }
    gws_sign_out(provisioning->gws, GET(result, 0, SESSION_HELD, url), buf_str(&token),
                 &task->trace, task->item.deadline_ms, row_end, task);
    explicit_bzero(token.data, token.len);
}
