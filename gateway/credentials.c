// credentials: see the header.
#include "credentials.h"

#include "base/buf.h"
#include "base/id.h"
#include "io/http_server.h"

// "Bearer abc" → Bearer, abc. A scheme alone is taken for a bare token.
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

static bool key_read(const struct http_request *request, struct str authorization,
                     struct credentials *credentials, struct err *err)
{
    struct str scheme, ccid = http_header(request, "x-ccid");

    credentials->key = http_header(request, "x-api-key");
    credentials->ccid = str_present(ccid) ? str_trim(ccid) : STR("");
    if (str_present(credentials->key))
        return true;
    if (!str_present(authorization))
        return err_set(err, ERR_UNAUTHENTICATED, "Authorization or x-api-key is needed");
    scheme = scheme_cut(authorization, &credentials->key);
    if (scheme.len && !str_equal_ignoring_case(scheme, STR("Bearer")))
        return err_set(err, ERR_UNAUTHENTICATED, "Authorization is Bearer and a token, or a token");
    return true;
}

bool credentials_read(const struct http_request *request, enum route_credentials kind,
                      struct arena *arena, struct credentials *credentials, struct err *err)
{
    struct str authorization = http_header(request, "authorization");
    struct id ccid;

    if (str_present(authorization))
        authorization = str_trim(authorization);
    if (kind == CREDENTIALS_BASIC && !str_present(authorization))
        return err_set(err, ERR_UNAUTHENTICATED,
                       "Authorization: Basic with ccid and key is needed");
    if (!(kind == CREDENTIALS_BASIC ? basic_read(authorization, arena, credentials, err)
                                    : key_read(request, authorization, credentials, err)))
        return false;
    if (credentials->key.len == 0)
        return err_set(err, ERR_UNAUTHENTICATED, "the key is empty");
    if (credentials->key.len > KEY_LIMIT)
        return err_set(err, ERR_UNKNOWN_KEY, "no key is that long");
    // What no contact center can be called costs no look-up.
    if (credentials->ccid.len > 0 && !id_parse(credentials->ccid, &ccid))
        return err_set(err, ERR_UNKNOWN_KEY, "the contact center is not known here");
    return true;
}
