// gws: our calls to Genesys Web Services: find the owner of a token, exchange a code for a token,
// sign out.
//
//   gws_who(gws, token, places, &wait)      GET  /auth/v3/userinfo
//   gws_redeem(gws, &redemption, …)         POST /auth/v3/oauth/token
//   gws_sign_out(gws, url, token, …)        POST /auth/v3/sign-out
//
// The places of nex_gapis are asked about a token one after the other, until one knows it. Requests
// about the same token meanwhile wait for the same answer. A call takes at most half of the time
// that the request has, and all calls of one question nine tenths of it, so that the request is
// answered in time although a place is slow; at most GWS_QUESTIONS_LIMIT are in flight, and replies
// are limited and checked (gws_reply.h).
//
// A deadline_ms is a time of clock_monotonic_ms().
//
// Errors: ERR_UNKNOWN_KEY where all places said that they do not know it, and ERR_UNAVAILABLE where
// that is in doubt: one was down, slow, or sent an invalid reply.
#pragma once

#include "base/list.h"
#include "provisioning-worker/identity/gws_reply.h"
#include "telemetry/trace.h"

struct gws;
struct service;

enum {
    GWS_PLACES_LIMIT = 3,
    GWS_QUESTIONS_LIMIT = 256,
};

struct gws *gws_new(struct service *service);
void gws_free(struct gws **gws); // nothing may be in flight

// A waiting request; the caller sets done and context. user is valid inside done; NULL with err.
struct gws_wait {
    struct list link;
    void (*done)(void *context, const struct gws_user *user, const struct err *err);
    void *context;
    struct trace trace;  // of the request that asks, for the log
    int64_t deadline_ms; // of the request
};

// places: the JSON list that gws_places() in db/functions/identity/caller.sql makes; absent or empty: GWS is
// not configured, and no token is known. done runs once, perhaps inside this call.
void gws_who(struct gws *gws, struct str token, struct str places, struct gws_wait *wait);

struct gws_redemption {
    struct str url; // of the place
    struct str client, secret, code, redirect_uri;
    struct str verifier; // of PKCE; absent: none
    struct trace trace;  // of the request, for the log
    int64_t deadline_ms; // of the request
};
typedef void gws_redeemed_fn(void *context, const struct gws_grant *grant, const struct err *err);
// ERR_UNAUTHENTICATED: GWS does not take the code.
void gws_redeem(struct gws *gws, const struct gws_redemption *redemption, gws_redeemed_fn *done,
                void *context);

// Signs the token out at GWS, with all tokens of the same log-in. done runs once, also after a
// failure: a token that was not signed out expires by itself.
void gws_sign_out(struct gws *gws, struct str url, struct str token, const struct trace *trace,
                  int64_t deadline_ms, void (*done)(void *context), void *context);
