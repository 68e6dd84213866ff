// credentials: the credentials in a request's headers.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct http_request;

enum { KEY_LIMIT = 256, TOKEN_LIMIT = 4096, CCID_LIMIT = 64 }; // bytes

// Under https a cookie's name begins with __Host-: browsers then accept it only over https, from
// this host, for all of its paths, and no other host of the domain can replace it. Over plain http
// they would refuse it, so there the name has no prefix.
#define COOKIE_PREFIX  "__Host-"
#define SESSION_COOKIE "nexus_session"

// The credentials that a route requires. BASIC: Authorization: Basic with ccid and key. KEY:
// x-api-key; else Authorization, with or without "Bearer"; else the cookie of a session; x-ccid may
// name the contact center. SESSION: that cookie alone.
enum route_credentials {
    CREDENTIALS_NONE,
    CREDENTIALS_BASIC,
    CREDENTIALS_KEY,
    CREDENTIALS_SESSION,
};

// The kind of credentials. The same text may be valid as one kind and invalid as another.
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
    // A browser sends cookies with every request, also with one that a foreign page caused. A
    // request that changes something must prove by the header x-csrf-token that it comes from a
    // page of ours; this one did not.
    bool lacks_csrf;
};

// The strings live in the arena or the request. ERR_UNAUTHENTICATED: there are none, or they cannot
// be read.
MUST_USE bool credentials_read(const struct http_request *request, enum route_credentials kind,
                               bool is_https, struct arena *arena, struct credentials *credentials,
                               struct err *err);
// The full name of one of our cookies.
static inline const char *cookie_name(const char *prefixed, bool is_https)
{
    return is_https ? prefixed : prefixed + sizeof COOKIE_PREFIX - 1;
}
struct str session_cookie_find(const struct http_request *request, bool is_https);
// The cookie's value; absent when the request has none of that name.
struct str cookie_find(const struct http_request *request, struct str name);
