// gws_reply: what Genesys Web Services answers, checked before anybody believes it. A reply that is
// not as documented tells nothing: not that a token is bad, and least of all that somebody belongs
// to no contact center and so may act for all.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

// Of /auth/v3/userinfo.
struct gws_user {
    struct str name;        // as people know them, without the contact center
    struct id center;       // their contact center; none: they belong to none
    int32_t gws;            // who says so: the row of nex_gapis
    struct str permissions; // what their authorities come to (authority.h), blanks between
};

// Of /auth/v3/oauth/token.
struct gws_grant {
    struct str token;
    int64_t expires_in_s;
};

enum { GWS_NAME_LIMIT = 255, GWS_TOKEN_LIMIT = 4096, GWS_EXPIRES_LIMIT_S = 366 * 86400 };

// Strings live in the arena. Errors say which member is wrong, never its value.
MUST_USE bool gws_user_read(struct str json, struct arena *arena, struct gws_user *user,
                            struct err *err);
MUST_USE bool gws_grant_read(struct str json, struct arena *arena, struct gws_grant *grant,
                             struct err *err);

// May this be a token at all (RFC 6750, b64token)? What is not cannot break a header either.
bool gws_token_is_plausible(struct str token);
