// gws: the data of Genesys Web Services: contact centers with their settings, users, clients, and
// issued tokens.
//
//   gws_log_in(gws, username, password, &user, &err)          who is it?
//   token = gws_token_new(gws, &(struct gws_token){.kind = GWS_ACCESS, …}, now_ms)
//   gws_token_find(gws, GWS_ACCESS, text, now_ms)             NULL: unknown or expired
//
// The users are the same everywhere: the operator ops/ops, and in every contact center the
// administrator nexus and the agents agent1 to agent9, all with nexus_password. A contact center is
// created by the first log-in under its id.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/list.h"
#include "wire/json/codec_json.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GWS_CONTACT_CENTERS_LIMIT = 20000,
    GWS_SETTINGS_LIMIT = 64, // of one contact center
    GWS_CLIENTS_LIMIT = 1000,
    GWS_REDIRECTS_LIMIT = 16, // of one client
    GWS_TOKENS_LIMIT = 50000, // beyond this the oldest is dropped
    GWS_TEXT_LIMIT = 255,
    GWS_CODE_LIFE_MS = 60000,
};

struct gws_host;

struct gws_host *gws_host_new(void);
void gws_host_free(struct gws_host **gws);

// --- contact centers

struct gws_center {
    char id[ID_TEXT_LENGTH + 1], environment_id[ID_TEXT_LENGTH + 1];
    struct list settings;
    size_t setting_count;
};

// Creates it if it is unknown. NULL with an error: not a UUID, or there are too many.
struct gws_center *gws_center_ensure(struct gws_host *gws, struct str id, struct err *err);
struct gws_center *gws_center_find(const struct gws_host *gws, struct str id); // NULL if unknown
void gws_centers_write(const struct gws_host *gws, struct buf *out);           // a JSON list

// A setting replaces the one of the same name and location.
MUST_USE bool gws_setting_put(struct gws_center *center, const struct json_view *setting,
                              struct arena *arena, struct err *err);
void gws_settings_write(const struct gws_center *center, struct buf *out); // a JSON list

// --- users

enum gws_role { GWS_OPERATOR, GWS_ADMINISTRATOR, GWS_AGENT, GWS_INTERNAL_CLIENT };

struct gws_login {
    const struct gws_center *center; // NULL: an operator, or a client without a user
    char name[GWS_TEXT_LIMIT + 1];
    enum gws_role role;
    int dbid;
};

// username is a plain name, or contact center, one or two backslashes, name.
MUST_USE bool gws_log_in(struct gws_host *gws, struct str username, struct str password,
                         struct gws_login *user, struct err *err);
bool gws_is_operator(struct str name, struct str password);
void gws_user_write(const struct gws_login *user, struct buf *out); // the answer of userinfo

// --- clients

enum gws_grant_type {
    GWS_CLIENT_CREDENTIALS = 1,
    GWS_PASSWORD = 2,
    GWS_AUTHORIZATION_CODE = 4,
    GWS_REFRESH_TOKEN = 8,
    GWS_IMPLICIT = 16, // may be requested, but no token is issued
};

struct gws_client {
    char id[GWS_TEXT_LIMIT + 1], secret[GWS_TEXT_LIMIT + 1];
    unsigned grants;
    int64_t access_life_s, refresh_life_s;
    size_t redirect_count;
    char redirects[GWS_REDIRECTS_LIMIT][GWS_TEXT_LIMIT + 1];
};

// As described by POST /auth/v3/ops/clients; an existing one is replaced. Clients are never
// removed.
MUST_USE bool gws_client_put(struct gws_host *gws, const struct json_view *description,
                             const struct gws_client **client, struct err *err);
const struct gws_client *gws_client_find(const struct gws_host *gws, struct str id);
enum gws_grant_type gws_grant_of(struct str name); // 0: no such grant
// Whether a redirect to it is allowed: a registered URL, or one under it.
bool gws_client_redirects_to(const struct gws_client *client, struct str uri);
bool gws_redirects_to(const struct gws_host *gws, struct str uri); // any client

// --- tokens

enum gws_token_kind { GWS_ACCESS, GWS_REFRESH, GWS_CODE };

enum { GWS_CHALLENGE_LENGTH = 43 };

struct gws_token {
    char text[ID_TEXT_LENGTH + 1];
    enum gws_token_kind kind;
    struct gws_login user;
    const struct gws_client *client;
    struct id login;                          // the same for all tokens of one log-in
    char redirect_uri[GWS_TEXT_LIMIT + 1];    // of a code: where it was sent
    char challenge[GWS_CHALLENGE_LENGTH + 1]; // of a code: PKCE's (S256); empty: none
    int64_t expires_ms;
    struct list link;
};

// Copies the description; text becomes a random UUID, and expires_ms follows from life_ms.
const struct gws_token *gws_token_new(struct gws_host *gws, const struct gws_token *description,
                                      int64_t life_ms, int64_t now_ms);
const struct gws_token *gws_token_find(struct gws_host *gws, enum gws_token_kind kind,
                                       struct str text, int64_t now_ms);
void gws_token_forget(struct gws_host *gws, const struct gws_token *token);
void gws_log_out(struct gws_host *gws, struct id login); // all tokens of the log-in
size_t gws_token_count(const struct gws_host *gws);
