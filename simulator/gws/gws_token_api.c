// gws_token_api: POST /auth/v3/oauth/token, from the authentication of the client to the token.
#include "base/clock.h"
#include "crypto/crypto.h"
#include "simulator/gws/gws_answer.h"

// The errors of RFC 6749, 5.2.
static void refuse(struct simulator *simulator, struct http_request *request,
                   const struct channel *channel, const char *error, const char *description)
{
    AUTO(buf) json = {0};
    struct http_answer answer = {.status =
                                     str_equal(str_of(error), STR("invalid_client")) ? 401 : 400,
                                 .content_type = STR("application/json")};

    json_open(&json, '{');
    json_key_str(&json, "error", str_of(error));
    json_key_str(&json, "error_description", str_of(description));
    json_close(&json, '}');
    answer.body = buf_str(&json);
    if (answer.status == 401)
        http_answer_add(&answer, "www-authenticate", STR("Basic realm=\"oauth2\""));
    gws_answer(simulator, request, channel, &answer);
}

// A client authenticates by Basic, or by client_id and client_secret. If both are given they must
// be of one client, and Basic's password may be empty.
static const struct gws_client *client_of(struct simulator *simulator, struct http_request *request)
{
    struct str id = gws_parameter(request, STR("client_id"));
    struct str secret = gws_parameter(request, STR("client_secret")), name, password;

    gws_basic(request, &name, &password);
    if (str_present(name) && str_present(id) && id.len > 0 && !str_equal(name, id))
        return NULL;
    if (str_present(name))
        id = name;
    if (str_present(password) && password.len > 0)
        secret = password;
    const struct gws_client *client = gws_client_find(simulator->gws, id);
    return client && str_present(secret) && crypto_equal(str_of(client->secret), secret) ? client
                                                                                         : NULL;
}

static int64_t life_of(const struct knobs *knobs, int64_t seconds)
{
    return knobs->gws_token_life_ms > 0 ? knobs->gws_token_life_ms : seconds * 1000;
}

// The request, filled step by step.
struct asked {
    const struct gws_client *client;
    enum gws_grant_type grant;
    struct gws_login user;
    struct id login;
    const struct gws_token *refresh; // of the request; NULL: none
};

static void answer(struct simulator *simulator, struct http_request *request,
                   const struct asked *asked)
{
    AUTO(buf) json = {0};
    struct channel *channel = gws_channel(simulator, &asked->user);
    const struct knobs *knobs = channel_knobs(simulator->channels, channel);
    int64_t now_ms = clock_monotonic_ms(), life_ms = life_of(knobs, asked->client->access_life_s);
    struct gws_token described = {
        .kind = GWS_ACCESS, .user = asked->user, .client = asked->client, .login = asked->login};
    struct str refresh = asked->refresh ? str_of(asked->refresh->text) : STR_ABSENT;

    CHANNEL_COUNT(channel, gws_tokens);
    json_open(&json, '{');
    json_key_str(&json, "access_token",
                 str_of(gws_token_new(simulator->gws, &described, life_ms, now_ms)->text));
    json_key_str(&json, "token_type", STR("bearer"));
    described.kind = GWS_REFRESH;
    if (!asked->refresh && asked->grant != GWS_CLIENT_CREDENTIALS)
        refresh = str_of(
            gws_token_new(simulator->gws, &described, asked->client->refresh_life_s * 1000, now_ms)
                ->text);
    if (str_present(refresh))
        json_key_str(&json, "refresh_token", refresh);
    // The remaining time, rounded down to seconds.
    json_key_int(&json, "expires_in", (life_ms - 1) / 1000);
    json_key_str(&json, "scope", STR("*"));
    json_close(&json, '}');
    gws_answer_json(simulator, request, channel, buf_str(&json));
}

static bool by_password(struct simulator *simulator, struct http_request *request,
                        struct asked *asked)
{
    struct str username = gws_parameter(request, STR("username"));
    struct str password = gws_parameter(request, STR("password"));
    struct err err;

    if (str_present(username) && str_present(password) &&
        gws_log_in(simulator->gws, username, password, &asked->user, &err))
        return true;
    refuse(simulator, request, NULL, "invalid_grant", "Bad credentials");
    return false;
}

// PKCE: redeeming the code needs the verifier of its challenge. A code without a challenge takes no
// verifier.
static bool verifier_fits(const struct gws_token *code, struct str verifier)
{
    unsigned char digest[SHA256_BYTES];
    AUTO(buf) text = {0};

    if (code->challenge[0] == '\0' || !str_present(verifier))
        return code->challenge[0] == '\0' && !str_present(verifier);
    crypto_sha256(verifier, digest);
    buf_base64(&text, str_make(digest, sizeof digest));
    for (size_t i = 0; i < text.len; i++)
        text.data[i] = text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i];
    return str_equal(str_make(text.data, GWS_CHALLENGE_LENGTH), str_of(code->challenge));
}

// A code is valid once, for the client and the address it was issued for.
static bool by_code(struct simulator *simulator, struct http_request *request, struct asked *asked)
{
    const struct gws_token *code = gws_token_find(
        simulator->gws, GWS_CODE, gws_parameter(request, STR("code")), clock_monotonic_ms());
    struct str redirect_uri = gws_parameter(request, STR("redirect_uri"));

    if (!code || code->client != asked->client ||
        !str_equal(str_of(code->redirect_uri), redirect_uri)) {
        refuse(simulator, request, NULL, "invalid_grant",
               "the code is not known, or was made for another client or redirect_uri");
        return false;
    }
    bool is_proven = verifier_fits(code, gws_parameter(request, STR("code_verifier")));
    asked->user = code->user;
    asked->login = code->login;
    gws_token_forget(simulator->gws, code);
    if (!is_proven)
        refuse(simulator, request, NULL, "invalid_grant", "code_verifier does not fit");
    return is_proven;
}

static bool by_refresh(struct simulator *simulator, struct http_request *request,
                       struct asked *asked)
{
    asked->refresh =
        gws_token_find(simulator->gws, GWS_REFRESH, gws_parameter(request, STR("refresh_token")),
                       clock_monotonic_ms());
    if (!asked->refresh || asked->refresh->client != asked->client) {
        refuse(simulator, request, NULL, "invalid_grant", "the refresh token is not known");
        return false;
    }
    asked->user = asked->refresh->user;
    asked->login = asked->refresh->login;
    return true;
}

static bool by_client(struct asked *asked)
{
    asked->user = (struct gws_login){.role = GWS_INTERNAL_CLIENT};
    memcpy(asked->user.name, asked->client->id, sizeof asked->user.name);
    return true;
}

static bool allowed(struct simulator *simulator, struct http_request *request, struct asked *asked)
{
    switch (asked->grant) {
    case GWS_CLIENT_CREDENTIALS: return by_client(asked);
    case GWS_PASSWORD: return by_password(simulator, request, asked);
    case GWS_AUTHORIZATION_CODE: return by_code(simulator, request, asked);
    case GWS_REFRESH_TOKEN: return by_refresh(simulator, request, asked);
    case GWS_IMPLICIT: break;
    }
    refuse(simulator, request, NULL, "unsupported_grant_type", "there is no such grant_type here");
    return false;
}

void on_gws_token(struct simulator *simulator, struct http_request *request, struct str rest)
{
    struct str grant = gws_parameter(request, STR("grant_type"));
    struct asked asked = {
        .client = client_of(simulator, request), .grant = gws_grant_of(grant), .login = id_new()};

    (void)rest;
    if (!asked.client)
        refuse(simulator, request, NULL, "invalid_client", "Bad client credentials");
    else if (asked.grant && !(asked.client->grants & asked.grant))
        refuse(simulator, request, NULL, "unauthorized_client",
               "the client may not use this grant_type");
    else if (allowed(simulator, request, &asked))
        answer(simulator, request, &asked);
}
