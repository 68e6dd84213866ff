#include "provisioning-worker/identity/gws_reply.h"

#include "rows.h"

#define CENTER "578ec98e-0000-46ad-9675-000000000001"
#define ADMIN  "\"authorities\":[{\"name\":\"ROLE_ADMIN\",\"privileges\":[]}]"
#define OPS    "\"authorities\":[{\"name\":\"ROLE_OPS\",\"privileges\":[]}]"

static const struct user_row {
    const char *json, *name, *permissions;
    bool of_center;
} user_rows[] = {
    {"{\"username\":\"nexus\",\"contactCenterId\":\"" CENTER "\"," ADMIN ",\"dbid\":7}", "nexus",
     "nexus:admin:*", true},
    {"{\"username\":\"" CENTER "\\\\nexus\",\"contactCenterId\":\"" CENTER "\"," ADMIN "}", "nexus",
     "nexus:admin:*", true},
    {"{\"username\":\"" CENTER "\\\\\\\\agent1\",\"contactCenterId\":\"" CENTER
     "\",\"authorities\":[{\"name\":\"ROLE_AGENT\"},{\"name\":\"ROLE_ADMIN\"}]}",
     "agent1", "nexus:agent:chat nexus:admin:*", true},
    {"{\"username\":\"ops\"," OPS "}", "ops", "nexus:admin:*", false},
    {"{\"username\":\"ops\",\"contactCenterId\":null," OPS "}", "ops", "nexus:admin:*", false},
    {"{\"username\":\"x\"," ADMIN "}", "x", "", false},
    {"{\"username\":\"x\",\"contactCenterId\":\"" CENTER "\"," OPS "}", "x", "", true},
    {"{\"username\":\"x\",\"authorities\":[]}", "x", "", false},
};

ROWS_TEST(gws_reply, gives_the_name_of_a_user_and_the_permissions_of_the_authorities, user_rows)
{
    struct arena *arena = arena_new();
    struct gws_user user;
    struct err err;

    cr_assert(gws_user_read(str_of(row->json), arena, &user, &err), "%s: %s", row->json, err.text);

    cr_assert(str_equal(user.name, str_of(row->name)), "%s", row->json);
    cr_assert(str_equal(user.permissions, str_of(row->permissions)), "%s", row->json);
    cr_assert(eq(int, !id_is_none(user.center), row->of_center), "%s", row->json);
    arena_free(&arena);
}

static const struct nonsense_row {
    const char *json, *fault;
} nonsense_rows[] = {
    {"", "not a JSON object"},
    {"[]", "not a JSON object"},
    {"<html>", "not a JSON object"},
    {"{\"username\":\"x\",", "not a JSON object"},
    {"{}", "username: not 1 to 255 bytes of text"},
    {"{\"username\":7," OPS "}", "username: not 1 to 255 bytes of text"},
    {"{\"username\":\"\"," OPS "}", "username: not 1 to 255 bytes of text"},
    {"{\"username\":\"a\\u0007\"," OPS "}", "username: has control characters"},
    {"{\"username\":\"x\"}", "authorities: not a list"},
    {"{\"username\":\"x\",\"authorities\":{}}", "authorities: not a list"},
    {"{\"username\":\"x\",\"authorities\":[\"ROLE_OPS\"]}",
     "authorities: not a list of up to 64 with names"},
    // A user without a contact center may act for all, so no other answer may look as if it had none.
    {"{\"username\":\"x\",\"contactCenterId\":\"\"," OPS "}",
     "contactCenterId: not the id of a contact center"},
    {"{\"username\":\"x\",\"contactCenterId\":7," OPS "}",
     "contactCenterId: not the id of a contact center"},
    {"{\"username\":\"x\",\"contactCenterId\":\"578ec98e\"," OPS "}",
     "contactCenterId: not the id of a contact center"},
    {"{\"username\":\"x\",\"contactCenterId\":\"00000000-0000-0000-0000-000000000000\"," OPS "}",
     "contactCenterId: not the id of a contact center"},
};

ROWS_TEST(gws_reply, refuses_a_user_that_is_not_as_documented, nonsense_rows)
{
    struct arena *arena = arena_new();
    struct gws_user user;
    struct err err;

    cr_assert(not(gws_user_read(str_of(row->json), arena, &user, &err)), "%s", row->json);

    cr_assert(eq(int, err.code, ERR_UNAVAILABLE));
    cr_assert(eq(str, err.text, (char *)row->fault));
    arena_free(&arena);
}

static const struct grant_row {
    const char *json, *fault; // NULL: it is good
} grant_rows[] = {
    {"{\"access_token\":\"a-b\",\"token_type\":\"bearer\",\"expires_in\":43199,\"scope\":\"*\"}",
     NULL},
    {"{\"access_token\":\"a-b\",\"token_type\":\"Bearer\",\"expires_in\":0}", NULL},
    {"{\"token_type\":\"bearer\",\"expires_in\":1}", "access_token: not a token"},
    {"{\"access_token\":\"a\\r\\nb\",\"token_type\":\"bearer\",\"expires_in\":1}",
     "access_token: not a token"},
    {"{\"access_token\":\"a\",\"expires_in\":1}", "token_type: not bearer"},
    {"{\"access_token\":\"a\",\"token_type\":\"mac\",\"expires_in\":1}", "token_type: not bearer"},
    {"{\"access_token\":\"a\",\"token_type\":\"bearer\"}", "expires_in: not a number of seconds"},
    {"{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":-1}",
     "expires_in: not a number of seconds"},
    {"{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":99999999999}",
     "expires_in: not a number of seconds"},
};

ROWS_TEST(gws_reply, accepts_a_token_only_with_its_type_and_lifetime, grant_rows)
{
    struct arena *arena = arena_new();
    struct gws_grant grant;
    struct err err = {0};
    bool good = gws_grant_read(str_of(row->json), arena, &grant, &err);

    cr_assert(eq(int, good, row->fault == NULL), "%s: %s", row->json, err.text);
    if (row->fault)
        cr_assert(eq(str, err.text, (char *)row->fault));
    arena_free(&arena);
}

static const struct token_row {
    const char *token;
    bool plausible;
} token_rows[] = {
    {"e7a1c2d4-0000-4000-8000-000000000001", true},
    {"eyJhbGciOi.J9._-~+/==", true},
    {"", false},
    {"=", false},
    {"a=b", false},
    {"a b", false},
    {"a\rb", false},
    {"\xc3\xa4", false},
};

ROWS_TEST(gws_reply, accepts_as_a_token_only_what_may_be_in_a_header, token_rows)
{
    cr_assert(eq(int, gws_token_is_plausible(str_of(row->token)), row->plausible), "%s",
              row->token);
}
