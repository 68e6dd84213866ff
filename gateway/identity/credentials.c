// credentials: see the header.
#include "gateway/identity/credentials.h"

#include "base/buf.h"
#include "base/id.h"
#include "crypto/crypto.h"
#include "io/http_server/http_server.h"
#include "secrets/session.h"

// "Bearer abc" → Bearer, abc. A single word is taken for a token without a scheme.
static struct str scheme_cut(struct str authorization, struct str *rest)
{
    struct str scheme;

    if (!str_cut(authorization, ' ', &scheme, rest)) {
        *rest = authorization;
        return STR("");
    }
    *rest = str_trim(*rest);
    return scheme;
}

static bool basic_read(struct str authorization, struct arena *arena,
                       struct credentials *credentials, struct err *err)
{
    AUTO(buf) pair = {0};
    struct str encoded;

    if (!str_equal_ignoring_case(scheme_cut(authorization, &encoded), STR("Basic")))
        return err_set(err, ERR_UNAUTHENTICATED,
                       "Authorization: Basic with ccid and key is needed");
    if (encoded.len > 2 * (KEY_LIMIT + CCID_LIMIT) || !buf_unbase64(&pair, encoded))
        return err_set(err, ERR_UNAUTHENTICATED, "Authorization: Basic is not base64");
    struct str text = arena_copy(arena, buf_str(&pair));
    if (!str_cut(text, ':', &credentials->ccid, &credentials->key) || credentials->ccid.len == 0)
        return err_set(err, ERR_UNAUTHENTICATED,
                       "Authorization: Basic is ccid, a colon and the key");
    return true;
}

struct str cookie_find(const struct http_request *request, struct str name)
{
    struct str rest = http_header(request, "cookie"), pair, key, value;

    while (str_present(rest)) {
        str_cut(rest, ';', &pair, &rest);
        if (str_cut(str_trim(pair), '=', &key, &value) && str_equal(key, name))
            return value;
    }
    return STR_ABSENT;
}

struct str session_cookie_find(const struct http_request *request, bool is_https)
{
    return cookie_find(request, str_of(cookie_name(COOKIE_PREFIX SESSION_COOKIE, is_https)));
}

static bool session_read(const struct http_request *request, bool is_https,
                         struct credentials *credentials, struct err *err)
{
    char csrf[SESSION_CSRF_LENGTH + 1];
    struct str secret = session_cookie_find(request, is_https);
    struct str method = http_method(request), shown = http_header(request, "x-csrf-token");

    if (!str_present(secret))
        return err_set(err, ERR_UNAUTHENTICATED, "no user has logged in");
    if (!session_secret_is_plausible(secret))
        return err_set(err, ERR_UNKNOWN_KEY, "the session is over: log in again");
    session_csrf(secret, csrf);
    *credentials = (struct credentials){
        .kind = CREDENTIAL_SESSION,
        .key = secret,
        .lacks_csrf = !str_equal(method, STR("GET")) && !str_equal(method, STR("HEAD")) &&
                      (!str_present(shown) || !crypto_equal(str_of(csrf), shown))};
    return true;
}

static bool key_read(const struct http_request *request, bool is_https, struct str authorization,
                     struct credentials *credentials, struct err *err)
{
    struct str scheme, key = http_header(request, "x-api-key");

    if (str_present(key)) {
        *credentials = (struct credentials){.kind = CREDENTIAL_KEY, .key = key};
        return true;
    }
    if (!str_present(authorization))
        return str_present(session_cookie_find(request, is_https))
                   ? session_read(request, is_https, credentials, err)
                   : err_set(err, ERR_UNAUTHENTICATED, "Authorization or x-api-key is needed");
    *credentials = (struct credentials){.kind = CREDENTIAL_TOKEN};
    scheme = scheme_cut(authorization, &credentials->key);
    if (scheme.len && !str_equal_ignoring_case(scheme, STR("Bearer")))
        return err_set(err, ERR_UNAUTHENTICATED, "Authorization is Bearer and a token, or a token");
    return true;
}

static bool basic_or_key_read(const struct http_request *request, enum route_credentials kind,
                              bool is_https, struct arena *arena, struct credentials *credentials,
                              struct err *err)
{
    struct str authorization = http_header(request, "authorization");
    struct str ccid = http_header(request, "x-ccid");

    if (str_present(authorization))
        authorization = str_trim(authorization);
    if (kind == CREDENTIALS_BASIC && !str_present(authorization))
        return err_set(err, ERR_UNAUTHENTICATED,
                       "Authorization: Basic with ccid and key is needed");
    if (kind == CREDENTIALS_BASIC)
        return basic_read(authorization, arena, credentials, err);
    if (!key_read(request, is_https, authorization, credentials, err))
        return false;
    credentials->ccid = str_present(ccid) ? str_trim(ccid) : STR("");
    return true;
}

const char *credential_name(enum credential_kind kind)
{
    switch (kind) {
    case CREDENTIAL_KEY: return "key";
    case CREDENTIAL_TOKEN: return "token";
    case CREDENTIAL_SESSION: return "session";
    }
    return "key";
}

bool credentials_read(const struct http_request *request, enum route_credentials kind,
                      bool is_https, struct arena *arena, struct credentials *credentials,
                      struct err *err)
{
    struct id ccid;

    *credentials = (struct credentials){.kind = CREDENTIAL_KEY};
    if (kind == CREDENTIALS_SESSION)
        return session_read(request, is_https, credentials, err);
    if (!basic_or_key_read(request, kind, is_https, arena, credentials, err))
        return false;
    if (credentials->key.len == 0)
        return err_set(err, ERR_UNAUTHENTICATED, "the key is empty");
    if (credentials->key.len > (credentials->kind == CREDENTIAL_KEY ? KEY_LIMIT : TOKEN_LIMIT))
        return err_set(err, ERR_UNKNOWN_KEY, "the key is too long");
    // A ccid that no contact center can have is refused without a look-up.
    if (credentials->ccid.len > 0 && !id_parse(credentials->ccid, &ccid))
        return err_set(err, ERR_UNKNOWN_KEY, "the contact center is not known here");
    return true;
}
