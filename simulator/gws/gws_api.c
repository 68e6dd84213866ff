// gws_api: contact centers and their settings, clients, and the owner of a token.
#include "base/clock.h"
#include "simulator/gws/gws_answer.h"

static bool is_operator(struct http_request *request)
{
    struct str name, password;

    gws_basic(request, &name, &password);
    return gws_is_operator(name, password);
}

// GET /environment/v3/contact-centers
void on_gws_centers(struct simulator *simulator, struct http_request *request, struct str rest)
{
    AUTO(buf) json = {0};

    (void)rest;
    if (!is_operator(request)) {
        gws_refuse(simulator, request, NULL, 401, "an operator's name and password are needed");
        return;
    }
    json_open(&json, '{');
    json_key(&json, "data");
    json_open(&json, '{');
    json_key(&json, "contactCenters");
    gws_centers_write(simulator->gws, &json);
    json_close(&json, '}');
    json_close(&json, '}');
    gws_answer_json(simulator, request, NULL, buf_str(&json));
}

static struct gws_center *center_of_path(struct simulator *simulator, struct http_request *request,
                                         struct str rest)
{
    struct str id, what;
    struct gws_center *center = NULL;

    if (!is_operator(request))
        gws_refuse(simulator, request, NULL, 401, "an operator's name and password are needed");
    else if (!str_cut(rest, '/', &id, &what) || !str_equal(what, STR("settings")) ||
             !(center = gws_center_find(simulator->gws, id)))
        gws_refuse(simulator, request, NULL, 404, "there is no such contact center");
    return center;
}

static void settings_answer(struct simulator *simulator, struct http_request *request,
                            const struct gws_center *center)
{
    AUTO(buf) json = {0};

    json_open(&json, '{');
    json_key_raw(&json, "status", STR("{\"code\":0}"));
    json_key(&json, "data");
    json_open(&json, '{');
    json_key(&json, "settings");
    gws_settings_write(center, &json);
    json_close(&json, '}');
    json_close(&json, '}');
    gws_answer_json(simulator, request, channels_get(simulator->channels, str_of(center->id)),
                    buf_str(&json));
}

// GET /environment/v3/contact-centers/{id}/settings
void on_gws_settings_get(struct simulator *simulator, struct http_request *request, struct str rest)
{
    const struct gws_center *center = center_of_path(simulator, request, rest);

    if (center)
        settings_answer(simulator, request, center);
}

// POST /environment/v3/contact-centers/{id}/settings {"data":{"name","location","value","shared"}}
void on_gws_settings_post(struct simulator *simulator, struct http_request *request,
                          struct str rest)
{
    struct gws_center *center = center_of_path(simulator, request, rest);
    const struct json_view *body;
    struct err err;

    if (!center)
        return;
    if (json_parse(http_body(request), http_arena(request), &body, &err) &&
        gws_setting_put(center, json_member(body, "data"), http_arena(request), &err))
        settings_answer(simulator, request, center);
    else
        gws_refuse(simulator, request, NULL, 400, err.text);
}

// POST /auth/v3/ops/clients {"data":{…}}
void on_gws_clients(struct simulator *simulator, struct http_request *request, struct str rest)
{
    AUTO(buf) json = {0};
    const struct json_view *body;
    const struct gws_client *client;
    struct err err;

    (void)rest;
    if (!is_operator(request)) {
        gws_refuse(simulator, request, NULL, 401, "an operator's name and password are needed");
        return;
    }
    if (!json_parse(http_body(request), http_arena(request), &body, &err) ||
        !gws_client_put(simulator->gws, json_member(body, "data"), &client, &err)) {
        gws_refuse(simulator, request, NULL, 400, err.text);
        return;
    }
    json_open(&json, '{');
    json_key_raw(&json, "status", STR("{\"code\":0}"));
    json_key(&json, "data");
    json_open(&json, '{');
    json_key_str(&json, "client_id", str_of(client->id));
    json_close(&json, '}');
    json_close(&json, '}');
    gws_answer_json(simulator, request, NULL, buf_str(&json));
}

// GET /auth/v3/userinfo
void on_gws_userinfo(struct simulator *simulator, struct http_request *request, struct str rest)
{
    AUTO(buf) json = {0};
    const struct gws_token *token =
        gws_token_find(simulator->gws, GWS_ACCESS, gws_bearer(request), clock_monotonic_ms());

    (void)rest;
    if (!token) {
        gws_refuse(simulator, request, NULL, 403, "the token is unknown or has expired");
        return;
    }
    struct channel *channel = gws_channel(simulator, &token->user);
    CHANNEL_COUNT(channel, gws_userinfo);
    gws_user_write(&token->user, &json);
    gws_answer_json(simulator, request, channel, buf_str(&json));
}
