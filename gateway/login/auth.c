// auth: see the header.
#include "gateway/login/auth.h"

#include "gateway/access.h"
#include "gateway/answer.h"
#include "gateway/answer_body.h"
#include "gateway/identity/credentials.h"
#include "gateway/tracing.h"

#include "bus/gateway/bus_gateway.h"
#include "crypto/crypto.h"
#include "io/http_server/http_server.h"
#include "secrets/session.h"
#include "text/query.h"
#include "wire/json/codec_json.h"

enum { RETURN_LIMIT = 512, CODE_LIMIT = 2048, ASK_MS = 2000, FINISH_MS = 5000 };

#define LOGIN_COOKIE COOKIE_PREFIX "nexus_login"
#define LOGIN_AGE_S  "600"

// What a log-in, a callback or a sign-out needs after the worker's reply.
struct visit {
    struct exchange *exchange;
    char secret[SESSION_SECRET_LENGTH + 1];
    struct str home; // where to go
};

static struct visit *visit_new(struct exchange *exchange)
{
    struct visit *visit = ARENA_ALLOC(http_arena(exchange->http), struct visit);

    visit->exchange = exchange;
    return visit;
}

static void refuse(struct exchange *exchange, enum err_code code, const char *text)
{
    answer_error(exchange, code, str_of(text));
}

static struct str parameter(struct exchange *exchange, struct str name)
{
    return query_find(http_query(exchange->http), name, http_arena(exchange->http));
}

bool auth_return_is_ours(struct str path)
{
    static const char marks[] = "-._~/?&=%+:,";

    if (path.len == 0 || path.len > RETURN_LIMIT || path.ptr[0] != '/' ||
        (path.len > 1 && path.ptr[1] == '/'))
        return false;
    for (size_t i = 0; i < path.len; i++) {
        char byte = path.ptr[i];
        bool is_word = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z');
        if (!is_word && !memchr(marks, byte, sizeof marks - 1))
            return false; // a backslash or control character, which browsers may read differently
    }
    return true;
}

static void ask(struct visit *visit, enum message_id id, const void *message, uint32_t deadline_ms,
                bus_reply_fn *reply)
{
    struct exchange *exchange = visit->exchange;
    struct envelope envelope = {.message = id,
                                .operation = exchange->operation,
                                .deadline_ms = deadline_ms,
                                .traceparent = tracing_parent(exchange)};

    gateway_call(exchange->gateway, &envelope, message, reply, visit);
}

static struct str redirect_uri(struct exchange *exchange)
{
    const struct gateway_config *config = exchange->gateway->config;
    struct arena *arena = http_arena(exchange->http);
    struct str base = config->public_url;

    while (base.len && base.ptr[base.len - 1] == '/')
        base.len--;
    if (base.len)
        return arena_printf(arena, "%.*s/auth/callback", STR_ARG(base));
    return arena_printf(arena, "http://%.*s:%lld/auth/callback", STR_ARG(config->http_host),
                        (long long)config->http_port);
}

// Secure also over plain http: browsers accept that only from their own machine.
static struct str cookie_set(struct exchange *exchange, const char *prefixed, struct str value,
                             const char *age)
{
    return arena_printf(http_arena(exchange->http),
                        "%s=%.*s; Path=/; HttpOnly; Secure; SameSite=Lax%s%s",
                        cookie_name(prefixed, exchange->gateway->is_https), STR_ARG(value),
                        age ? "; Max-Age=" : "", age ? age : "");
}

// ---- /auth/login

static struct str state_of(struct exchange *exchange, struct str secret)
{
    unsigned char digest[SHA256_BYTES];
    AUTO(buf) text = {0};

    crypto_sha256(secret, digest);
    buf_hex(&text, str_make(digest, sizeof digest));
    return arena_copy(http_arena(exchange->http), buf_str(&text));
}

// PKCE (RFC 7636): the code can be redeemed only with this browser's cookie. The verifier is
// derived from the cookie and cannot be derived from the state.
static struct str verifier_of(struct exchange *exchange, struct str secret)
{
    AUTO(buf) text = {0};

    buf_printf(&text, "pkce %.*s", STR_ARG(secret));
    return state_of(exchange, buf_str(&text));
}

static struct str challenge_of(struct exchange *exchange, struct str verifier)
{
    unsigned char digest[SHA256_BYTES];
    AUTO(buf) text = {0};

    crypto_sha256(verifier, digest);
    buf_base64(&text, str_make(digest, sizeof digest));
    while (text.len && text.data[text.len - 1] == '=')
        text.len--;
    for (size_t i = 0; i < text.len; i++)
        text.data[i] = text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i];
    return arena_copy(http_arena(exchange->http), buf_str(&text));
}

static void login_answered(void *context, enum err_code code, struct str payload)
{
    struct visit *visit = context;
    struct exchange *exchange = visit->exchange;
    struct arena *arena = http_arena(exchange->http);
    const struct json_view *reply;
    AUTO(buf) cookie = {0};
    struct err err;

    struct str location = code == ERR_OK && json_parse(payload, arena, &reply, &err)
                              ? json_text(json_member(reply, "location"))
                              : STR_ABSENT;
    if (!str_present(location)) {
        answer_error(exchange, code == ERR_OK ? ERR_INTERNAL : code, code ? payload : STR(""));
        return;
    }
    buf_printf(&cookie, "%s.", visit->secret);
    buf_hex(&cookie, visit->home);
    answer_page(exchange, &(struct http_answer){
                              .status = 302,
                              .headers = {{"location", location},
                                          {"set-cookie", cookie_set(exchange, LOGIN_COOKIE,
                                                                    buf_str(&cookie), LOGIN_AGE_S)},
                                          {"cache-control", STR("no-store")}}});
}

void auth_login(struct exchange *exchange)
{
    struct visit *visit = visit_new(exchange);
    struct str home = parameter(exchange, STR("return"));

    visit->home = str_present(home) ? home : STR("/admin/");
    if (!auth_return_is_ours(visit->home)) {
        refuse(exchange, ERR_BAD_INPUT, "return: not a path of this server");
        return;
    }
    session_secret_new(visit->secret);
    struct str verifier = verifier_of(exchange, str_of(visit->secret));
    struct msg_login_begin message = {.redirect_uri = redirect_uri(exchange),
                                      .state = state_of(exchange, str_of(visit->secret)),
                                      .challenge = challenge_of(exchange, verifier)};
    ask(visit, MSG_LOGIN_BEGIN, &message, ASK_MS, login_answered);
}

// ---- /auth/callback

static struct str login_cookie(const struct exchange *exchange)
{
    return cookie_find(exchange->http,
                       str_of(cookie_name(LOGIN_COOKIE, exchange->gateway->is_https)));
}

// The path to return to, if this browser began the log-in that comes back, and the log-in's
// verifier; absent otherwise.
static struct str login_home(struct exchange *exchange, struct str *verifier)
{
    struct str cookie = login_cookie(exchange), secret, home;
    struct str state = parameter(exchange, STR("state"));
    AUTO(buf) path = {0};

    if (!str_present(cookie) || !str_present(state) || !str_cut(cookie, '.', &secret, &home) ||
        !session_secret_is_plausible(secret) || !crypto_equal(state_of(exchange, secret), state) ||
        !buf_unhex(&path, home) || !auth_return_is_ours(buf_str(&path)))
        return STR_ABSENT;
    *verifier = verifier_of(exchange, secret);
    return arena_copy(http_arena(exchange->http), buf_str(&path));
}

static void callback_answered(void *context, enum err_code code, struct str payload)
{
    struct visit *visit = context;
    struct exchange *exchange = visit->exchange;

    if (code != ERR_OK) {
        answer_error(exchange, code, payload);
        return;
    }
    answer_page(exchange,
                &(struct http_answer){
                    .status = 302,
                    .headers = {{"location", visit->home},
                                {"set-cookie", cookie_set(exchange, COOKIE_PREFIX SESSION_COOKIE,
                                                          str_of(visit->secret), NULL)},
                                {"set-cookie", cookie_set(exchange, LOGIN_COOKIE, STR(""), "0")},
                                {"cache-control", STR("no-store")}}});
}

void auth_callback(struct exchange *exchange)
{
    struct visit *visit = visit_new(exchange);
    struct str code = parameter(exchange, STR("code")), verifier = STR_ABSENT;

    visit->home = login_home(exchange, &verifier);
    if (!str_present(visit->home)) {
        refuse(exchange, ERR_BAD_INPUT, "state: this browser did not begin this log-in");
        return;
    }
    if (!str_present(code) || code.len == 0 || code.len > CODE_LIMIT) {
        refuse(exchange, ERR_UNAUTHENTICATED, "the login was not completed: log in again");
        return;
    }
    // Always a new secret, so that an attacker cannot make a browser use a known one.
    session_secret_new(visit->secret);
    struct msg_login_finish message = {.code = code,
                                       .redirect_uri = redirect_uri(exchange),
                                       .session = str_of(visit->secret),
                                       .verifier = verifier};
    ask(visit, MSG_LOGIN_FINISH, &message, FINISH_MS, callback_answered);
}

// ---- /auth/session, /auth/sign-out

static void answer_own(struct exchange *exchange, struct str data, struct str cookie)
{
    AUTO(buf) body = {0};
    struct http_answer answer = {.status = 200,
                                 .content_type = STR("application/json"),
                                 .headers = {{"cache-control", STR("no-store")}}};

    if (str_present(cookie))
        http_answer_add(&answer, "set-cookie", cookie);
    body_render_data(&body, ENVELOPE_E1, data, exchange->operation);
    answer.body = buf_str(&body);
    answer_page(exchange, &answer);
}

static void session_known(void *context, struct caller *caller, const struct err *err)
{
    struct exchange *exchange = context;
    char csrf[SESSION_CSRF_LENGTH + 1];
    AUTO(buf) json = {0};

    if (!caller) {
        access_refuse(exchange, err);
        return;
    }
    session_csrf(session_cookie_find(exchange->http, exchange->gateway->is_https), csrf);
    json_open(&json, '{');
    json_key_str(&json, "user", caller->principal.name);
    json_key_str(&json, "ccid", caller->ccid.len ? caller->ccid : STR_ABSENT);
    json_key(&json, "permissions");
    json_open(&json, '[');
    for (struct str rest = caller->granted, one; rest.len;) {
        str_cut(rest, ' ', &one, &rest);
        json_str(&json, one);
    }
    json_close(&json, ']');
    json_key_str(&json, "csrf", str_of(csrf));
    json_key_str(&json, "expires", caller->expires);
    json_close(&json, '}');
    answer_own(exchange, buf_str(&json), STR_ABSENT);
}

void auth_session(struct exchange *exchange)
{
    access_identify(exchange, CREDENTIALS_SESSION, session_known, exchange);
}

static void sign_out_answered(void *context, enum err_code code, struct str payload)
{
    struct visit *visit = context;
    struct exchange *exchange = visit->exchange;

    if (code == ERR_OK)
        answer_own(exchange, payload,
                   cookie_set(exchange, COOKIE_PREFIX SESSION_COOKIE, STR(""), "0"));
    else
        answer_error(exchange, code, payload);
}

// Signing out of a session that is already over also succeeds.
void auth_sign_out(struct exchange *exchange)
{
    struct visit *visit = visit_new(exchange);
    struct credentials credentials;
    struct err err;

    if (!credentials_read(exchange->http, CREDENTIALS_SESSION, exchange->gateway->is_https,
                          http_arena(exchange->http), &credentials, &err)) {
        answer_err(exchange, &err);
        return;
    }
    if (credentials.lacks_csrf) {
        refuse(exchange, ERR_FORBIDDEN,
               "x-csrf-token: required when a cookie identifies the caller");
        return;
    }
    struct msg_session_end message = {.session = credentials.key};
    ask(visit, MSG_SESSION_END, &message, ASK_MS, sign_out_answered);
}
