// Answers of GWS: a user that is accepted has a name, and acts for all only if the answer names no contact
// center.
#include "tests/fuzz/fuzz.h"

#include "provisioning-worker/identity/gws_reply.h"
#include "wire/json/codec_json.h"

FUZZ(bytes)
{
    struct arena *arena = arena_new();
    const struct json_view *view;
    struct gws_user user;
    struct gws_grant grant;
    struct err err;

    if (gws_user_read(bytes, arena, &user, &err)) {
        ASSERT(user.name.len > 0 && user.name.len <= GWS_NAME_LIMIT);
        ASSERT(json_parse(bytes, arena, &view, &err));
        ASSERT(id_is_none(user.center) ==
               (json_kind(json_member(view, "contactCenterId")) == TREE_NULL));
    }
    if (gws_grant_read(bytes, arena, &grant, &err))
        ASSERT(gws_token_is_plausible(grant.token) && grant.expires_in_s >= 0);
    arena_free(&arena);
}
