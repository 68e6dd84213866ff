// What the simulated Genesys Web Services stores, and for how long.
#include "simulator/gws/gws.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define CENTER "578ec98e-0000-46ad-9675-000000000001"

static struct gws_host *gws;
static struct arena *arena;

static void set_up(void)
{
    gws = gws_host_new();
    arena = arena_new();
}

static void tear_down(void)
{
    gws_host_free(&gws);
    arena_free(&arena);
}

TestSuite(gws, .init = set_up, .fini = tear_down);

static const struct json_view *json(const char *text)
{
    const struct json_view *view;
    struct err err;

    cr_assert(json_parse(str_of(text), arena, &view, &err), "%s", err.text);
    return view;
}

static const struct gws_client *client_put(const char *redirects)
{
    const struct gws_client *client = NULL;
    struct err err;
    struct str text = arena_printf(
        arena,
        "{\"client_id\":\"c\",\"client_secret\":\"s\",\"authorizedGrantTypes\":[\"password\"],"
        "\"redirectURIs\":%s}",
        redirects);

    cr_assert(gws_client_put(gws, json(text.ptr), &client, &err), "%s", err.text);
    return client;
}

Test(gws, knows_the_same_users_in_every_contact_center)
{
    static const struct {
        struct str username, password;
        int role; // -1: refused
        const char *name;
    } rows[] = {
        {STR_INIT("ops"), STR_INIT("ops"), GWS_OPERATOR, "ops"},
        {STR_INIT(CENTER "\\nexus"), STR_INIT("nexus_password"), GWS_ADMINISTRATOR, "nexus"},
        {STR_INIT(CENTER "\\\\nexus"), STR_INIT("nexus_password"), GWS_ADMINISTRATOR, "nexus"},
        {STR_INIT(CENTER "\\agent9"), STR_INIT("nexus_password"), GWS_AGENT, "agent9"},
        {STR_INIT(CENTER "\\agent10"), STR_INIT("nexus_password"), -1, NULL},
        {STR_INIT(CENTER "\\\\\\nexus"), STR_INIT("nexus_password"), -1, NULL},
        {STR_INIT(CENTER "\\nexus"), STR_INIT("ops"), -1, NULL},
        {STR_INIT(CENTER "\\ops"), STR_INIT("ops"), -1, NULL},
        {STR_INIT("nexus"), STR_INIT("nexus_password"), -1, NULL},
        {STR_INIT("\\nexus"), STR_INIT("nexus_password"), -1, NULL},
        {STR_INIT("no-uuid\\nexus"), STR_INIT("nexus_password"), -1, NULL},
        {STR_INIT("ops"), STR_INIT(""), -1, NULL},
        {STR_INIT(""), STR_INIT(""), -1, NULL},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct gws_login user = {0};
        struct err err;
        bool found = gws_log_in(gws, rows[i].username, rows[i].password, &user, &err);

        cr_expect(eq(int, found, rows[i].role >= 0), "%s", rows[i].username.ptr);
        if (!found)
            continue;
        cr_expect(eq(int, (int)user.role, rows[i].role), "%s", rows[i].username.ptr);
        cr_expect(eq(str, user.name, (char *)rows[i].name));
        cr_expect(eq(int, user.center != NULL, user.role != GWS_OPERATOR));
    }
}

Test(gws, makes_a_contact_center_at_the_first_log_in_and_lists_it_once)
{
    AUTO(buf) list = {0};
    struct gws_login user;
    struct err err;

    cr_assert(not(gws_log_in(gws, STR(CENTER "\\nexus"), STR("wrong"), &user, &err)));
    cr_expect(eq(ptr, gws_center_find(gws, STR(CENTER)), NULL));
    cr_assert(gws_log_in(gws, STR(CENTER "\\nexus"), STR("nexus_password"), &user, &err));
    cr_assert(gws_log_in(gws, STR("578EC98E-0000-46AD-9675-000000000001\\agent1"),
                         STR("nexus_password"), &user, &err));
    gws_centers_write(gws, &list);

    const struct json_view *centers = json(buf_c_string(&list));
    cr_expect(eq(ptr, (void *)json_element(centers, 1), NULL));
    const struct json_view *center = json_element(centers, 0);
    cr_expect(eq(str, (char *)json_text(json_member(center, "id")).ptr, CENTER));
    cr_expect(eq(str, (char *)json_text(json_member(center, "auth")).ptr, "configServer"));
    cr_expect(eq(sz, json_text(json_member(center, "environmentId")).len, ID_TEXT_LENGTH));
}

Test(gws, has_a_limit_of_contact_centers)
{
    struct err err;

    for (int i = 0; i < GWS_CONTACT_CENTERS_LIMIT; i++) {
        char text[ID_TEXT_LENGTH + 1];
        id_text(id_new(), text);
        cr_assert(ne(ptr, gws_center_ensure(gws, str_of(text), &err), NULL));
    }

    cr_expect(eq(ptr, gws_center_ensure(gws, STR(CENTER), &err), NULL));
    cr_expect(eq(int, (int)err.code, ERR_BUSY));
}

Test(gws, identifies_a_user)
{
    AUTO(buf) text = {0};
    struct gws_login user;
    struct err err;

    cr_assert(gws_log_in(gws, STR(CENTER "\\agent3"), STR("nexus_password"), &user, &err));
    gws_user_write(&user, &text);

    const struct json_view *info = json(buf_c_string(&text));
    cr_expect(eq(str, (char *)json_text(json_member(info, "username")).ptr, "agent3"));
    cr_expect(eq(str, (char *)json_text(json_member(info, "loginName")).ptr, CENTER "\\agent3"));
    cr_expect(eq(str, (char *)json_text(json_member(info, "contactCenterId")).ptr, CENTER));
    const struct json_view *role = json_element(json_member(info, "authorities"), 0);
    cr_expect(eq(str, (char *)json_text(json_member(role, "name")).ptr, "ROLE_AGENT"));
}

Test(gws, keeps_one_setting_of_a_name_and_location_and_not_more_than_the_limit)
{
    AUTO(buf) list = {0};
    struct err err;
    struct gws_center *center = gws_center_ensure(gws, STR(CENTER), &err);

    cr_assert(gws_setting_put(center, json("{\"name\":\"a\",\"location\":\"/\",\"value\":1}"),
                              arena, &err));
    cr_assert(gws_setting_put(center, json("{\"name\":\"a\",\"location\":\"/\",\"value\":2}"),
                              arena, &err));
    gws_settings_write(center, &list);
    cr_expect(
        eq(str, (char *)buf_c_string(&list), "[{\"name\":\"a\",\"location\":\"/\",\"value\":2}]"));
    cr_expect(
        not(gws_setting_put(center, json("{\"name\":\"a\",\"location\":\"/\"}"), arena, &err)));
    cr_expect(not(gws_setting_put(center, NULL, arena, &err)));

    for (int i = 1; i < GWS_SETTINGS_LIMIT; i++) {
        struct str more =
            arena_printf(arena, "{\"name\":\"a%d\",\"location\":\"/\",\"value\":1}", i);
        cr_assert(gws_setting_put(center, json(more.ptr), arena, &err));
    }
    cr_expect(not(gws_setting_put(center, json("{\"name\":\"b\",\"location\":\"/\",\"value\":1}"),
                                  arena, &err)));
    cr_expect(eq(int, (int)err.code, ERR_BUSY));
}

Test(gws, refuses_a_client_it_could_not_serve)
{
    static const char *const faulty[] = {
        "{}",
        "{\"client_id\":\"c\",\"authorizedGrantTypes\":[\"password\"]}",
        "{\"client_id\":\"c\",\"client_secret\":\"\",\"authorizedGrantTypes\":[\"password\"]}",
        "{\"client_id\":\"c\",\"client_secret\":\"s\",\"authorizedGrantTypes\":[]}",
        "{\"client_id\":\"c\",\"client_secret\":\"s\",\"authorizedGrantTypes\":[\"magic\"]}",
        "{\"client_id\":\"c\",\"client_secret\":\"s\",\"authorizedGrantTypes\":[\"password\"],"
        "\"redirectURIs\":[\"\"]}",
        "{\"client_id\":\"c\",\"client_secret\":\"s\",\"authorizedGrantTypes\":[\"password\"],"
        "\"accessTokenExpirationTimeout\":0}",
    };

    for (size_t i = 0; i < COUNT_OF(faulty); i++) {
        const struct gws_client *client;
        struct err err;

        cr_expect(not(gws_client_put(gws, json(faulty[i]), &client, &err)), "%s", faulty[i]);
        cr_expect(eq(ptr, (void *)gws_client_find(gws, STR("c")), NULL));
    }
}

Test(gws, redirects_users_only_to_registered_addresses)
{
    static const struct {
        struct str uri;
        bool allowed;
    } rows[] = {
        {STR_INIT("http://nexus:80"), true},
        {STR_INIT("http://nexus:80/"), true},
        {STR_INIT("http://nexus:80/auth/callback"), true},
        {STR_INIT("http://nexus:80?x"), true},
        {STR_INIT("https://other/auth/callback"), true},
        {STR_INIT("http://nexus:8080/"), false},
        {STR_INIT("http://nexus:80@evil/"), false},
        {STR_INIT("http://nexus:80.evil/"), false},
        {STR_INIT("http://nexus"), false},
        {STR_INIT("http://nexus:80/\r\nx: y"), false},
        {STR_INIT("https://other/authority"), false},
        {STR_INIT(""), false},
        {{NULL, 0}, false},
    };
    const struct gws_client *client = client_put("[\"http://nexus:80\",\"https://other/auth/\"]");

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_expect(eq(int, gws_client_redirects_to(client, rows[i].uri), rows[i].allowed), "%s",
                  rows[i].uri.ptr);
}

Test(gws, replaces_the_description_of_a_known_client)
{
    const struct gws_client *client = client_put("[\"http://a\"]");

    cr_expect(eq(ptr, (void *)client_put("[\"http://b\"]"), (void *)client));
    cr_expect(not(gws_client_redirects_to(client, STR("http://a"))));
    cr_expect(gws_client_redirects_to(client, STR("http://b")));
}

Test(gws, makes_tokens_that_expire)
{
    const struct gws_token *token =
        gws_token_new(gws, &(struct gws_token){.kind = GWS_ACCESS}, 1000, 5000);
    struct str text = arena_copy(arena, str_of(token->text));

    cr_expect(eq(int, text.ptr[14], '4')); // a random UUID
    cr_expect(eq(ptr, (void *)gws_token_find(gws, GWS_ACCESS, text, 5999), (void *)token));
    cr_expect(eq(ptr, (void *)gws_token_find(gws, GWS_REFRESH, text, 5999), NULL));
    cr_expect(eq(ptr, (void *)gws_token_find(gws, GWS_ACCESS, text, 6000), NULL));
    cr_expect(eq(sz, gws_token_count(gws), 0));
    cr_expect(eq(ptr, (void *)gws_token_find(gws, GWS_ACCESS, STR_ABSENT, 0), NULL));
}

Test(gws, forgets_all_tokens_of_a_log_in_that_ends)
{
    struct id login = id_new();
    struct gws_token described = {.kind = GWS_ACCESS, .login = login};

    gws_token_new(gws, &described, 1000, 0);
    described.kind = GWS_REFRESH;
    gws_token_new(gws, &described, 1000, 0);
    described.login = id_new();
    const struct gws_token *other = gws_token_new(gws, &described, 1000, 0);

    gws_log_out(gws, login);

    cr_expect(eq(sz, gws_token_count(gws), 1));
    cr_expect(
        eq(ptr, (void *)gws_token_find(gws, GWS_REFRESH, str_of(other->text), 0), (void *)other));
}

Test(gws, makes_room_for_a_token_by_forgetting_the_oldest)
{
    struct gws_token described = {.kind = GWS_ACCESS};
    struct str first = arena_copy(arena, str_of(gws_token_new(gws, &described, 1000, 0)->text));
    struct str second = arena_copy(arena, str_of(gws_token_new(gws, &described, 1000, 0)->text));

    for (int i = 2; i <= GWS_TOKENS_LIMIT; i++)
        gws_token_new(gws, &described, 1000, 0);

    cr_expect(eq(sz, gws_token_count(gws), GWS_TOKENS_LIMIT));
    cr_expect(eq(ptr, (void *)gws_token_find(gws, GWS_ACCESS, first, 0), NULL));
    cr_expect(ne(ptr, (void *)gws_token_find(gws, GWS_ACCESS, second, 0), NULL));
}
