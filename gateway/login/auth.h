// auth: users log in at GWS and get a session: /auth/login → GWS → /auth/callback → cookie.
//
// Two cookies, whose names begin with __Host- where browsers come by https (credentials.h).
//
//   nexus_login    exists while somebody logs in. It holds a random text, whose digest goes to GWS
//                  as "state" and must come back, so that a code is accepted only from the browser
//                  that asked for it; and the path to return to, which is checked before and after
//   nexus_session  is the session's secret (secrets/session.h): HttpOnly, Secure, SameSite=Lax
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct exchange;

// Routes' functions.
void auth_login(struct exchange *exchange);
void auth_callback(struct exchange *exchange);
void auth_session(struct exchange *exchange);
void auth_sign_out(struct exchange *exchange);

// Is it a path of ours that a browser cannot read as another host?
bool auth_return_is_ours(struct str path);
