// gws_reply: checks the replies of Genesys Web Services. A reply that is not as documented proves
// nothing: not that a token is bad, and above all not that a user belongs to no contact center and
// so may act for all.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

// Of /auth/v3/userinfo.
struct gws_user {
    struct str name;  // the user's name without the contact center
    struct id center; // the user's contact center; none: no contact center
    int32_t gws;      // the source: the row of nex_gapis
    struct str
        permissions; // the permissions of the user's authorities (authority.h), separated by blanks
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

// Does this have the form of a token (RFC 6750, b64token)? Other texts are refused, so a token
// cannot break a header.
bool gws_token_is_plausible(struct str token);
