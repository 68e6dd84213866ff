// credentials: what a request's headers say about who asks.
#pragma once

#include "route.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct http_request;

enum { KEY_LIMIT = 256, TOKEN_LIMIT = 4096, CCID_LIMIT = 64 }; // bytes

// Under https a cookie's name begins with __Host-: then browsers take it only over https, from this very host,
// for all of its paths, and no neighbour in the domain can put one in its place. Over plain http they would
// not take it at all, so there it has the bare name.
#define COOKIE_PREFIX  "__Host-"
#define SESSION_COOKIE "nexus_session"

// What the caller showed. The same text may be good as one and no good as another.
enum credential_kind {
    CREDENTIAL_KEY,     // can only be an API key
    CREDENTIAL_TOKEN,   // an API key, or a token of GWS's
    CREDENTIAL_SESSION, // the secret of a session, by cookie
};

const char *credential_name(enum credential_kind kind); // key, token, session

struct credentials {
    enum credential_kind kind;
    struct str key;
    struct str ccid; // empty when the caller names none
    // A browser sends cookies whoever made it ask. What changes something must prove by the header
    // x-csrf-token that a page of ours asked; this did not.
    bool lacks_csrf;
};

// BASIC: user is the ccid, password the key. KEY: x-api-key; else Authorization, with or without
// "Bearer"; else the session's cookie; x-ccid may name the contact center. The strings live in the
// arena or the request.
MUST_USE bool credentials_read(const struct http_request *request, enum route_credentials kind,
                               bool is_https, struct arena *arena, struct credentials *credentials,
                               struct err *err);
// Of a session alone; ERR_UNAUTHENTICATED without a cookie.
MUST_USE bool credentials_of_session(const struct http_request *request, bool is_https,
                                     struct credentials *credentials, struct err *err);
// The name of a cookie of ours.
static inline const char *cookie_name(const char *prefixed, bool is_https)
{
    return is_https ? prefixed : prefixed + sizeof COOKIE_PREFIX - 1;
}
struct str session_cookie_find(const struct http_request *request, bool is_https);
// The cookie's value; absent when the request has none of that name.
struct str cookie_find(const struct http_request *request, struct str name);
