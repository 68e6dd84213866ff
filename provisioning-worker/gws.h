// gws: our calls to Genesys Web Services: whose token is this, and a code for a token.
//
//   gws_who(gws, token, places, &wait)      GET  /auth/v3/userinfo
//   gws_redeem(gws, &redemption, …)         POST /auth/v3/oauth/token
//   gws_sign_out(gws, url, token, …)        POST /auth/v3/sign-out
//
// A token is asked about at the places of nex_gapis, one after the other, until one knows it. Those
// who ask about the same token meanwhile wait for the same answer. Each call has GWS_CALL_MS, all
// of one question GWS_WHOLE_MS; at most GWS_QUESTIONS_LIMIT are out, and replies are capped and
// checked (gws_reply.h).
//
// Errors: ERR_UNKNOWN_KEY where all places said that they do not know it, and ERR_UNAVAILABLE where
// that is in doubt: one was down, slow, or talked nonsense.
#pragma once

#include "base/list.h"
#include "base/trace.h"
#include "provisioning-worker/gws_reply.h"

struct gws;
struct service;

enum {
    GWS_CALL_MS = 1000,
    GWS_WHOLE_MS = 1800,
    GWS_PLACES_LIMIT = 3,
    GWS_QUESTIONS_LIMIT = 256,
};

// GWS lives inside, mostly in private address space, and its addresses come from the operator's own
// table, not from customers: so private ranges are allowed for it, whatever webhooks may reach.
// Link-local ones stay forbidden, where clouds keep what nobody should be talked into reading.
#define GWS_ADDRESSES                                                                              \
    "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 127.0.0.0/8, ::1/128, fc00::/7"

struct gws *gws_new(struct service *service);
void gws_free(struct gws **gws); // nothing may be out

// Room for one who waits; done and context are the caller's to set. user is valid inside done; NULL
// with err.
struct gws_wait {
    struct list link;
    void (*done)(void *context, const struct gws_user *user, const struct err *err);
    void *context;
    struct trace trace; // of the request that asks, for the log
};

// places: the JSON list that gws_places() in db/functions/caller.sql makes; absent or empty: GWS is
// not configured, and no token is known. done runs once, perhaps inside this call.
void gws_who(struct gws *gws, struct str token, struct str places, struct gws_wait *wait);

struct gws_redemption {
    struct str url; // of the place
    struct str client, secret, code, redirect_uri;
    struct str verifier; // of PKCE; absent: none
    struct trace trace;  // of the request, for the log
};
typedef void gws_redeemed_fn(void *context, const struct gws_grant *grant, const struct err *err);
// ERR_UNAUTHENTICATED: GWS does not take the code.
void gws_redeem(struct gws *gws, const struct gws_redemption *redemption, gws_redeemed_fn *done,
                void *context);

// Tells GWS that the token is not used any more, with all that came from the same log-in. done runs once,
// however it went: a token that GWS was not told of ends by its age.
void gws_sign_out(struct gws *gws, struct str url, struct str token, const struct trace *trace,
                  void (*done)(void *context), void *context);
