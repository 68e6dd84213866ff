// routes: the routes of the simulator's port.
#include "simulator/simulator.h"

#include "text/query.h"

struct simulator_route {
    struct str method;
    struct str path; // one that ends in '/' matches all paths that begin with it
    simulator_handler *handle;
};

static const struct simulator_route routes[] = {
    {STR_INIT("POST"), STR_INIT("/gateway/"), on_webhook},
    {STR_INIT("POST"), STR_INIT("/sim/mo"), on_mo},
    {STR_INIT("POST"), STR_INIT("/sim/receipt"), on_receipt},
    {STR_INIT("GET"), STR_INIT("/sim/messages"), on_messages_get},
    {STR_INIT("DELETE"), STR_INIT("/sim/messages"), on_messages_delete},
    {STR_INIT("GET"), STR_INIT("/sim/stats"), on_stats},
    {STR_INIT("GET"), STR_INIT("/sim/events"), on_events},
    {STR_INIT("GET"), STR_INIT("/sim/knobs"), on_knobs_get},
    {STR_INIT("PUT"), STR_INIT("/sim/knobs"), on_knobs_put},
    {STR_INIT("DELETE"), STR_INIT("/sim/knobs"), on_knobs_delete},
    {STR_INIT("GET"), STR_INIT("/sim/knobs/"), on_knobs_get},
    {STR_INIT("PUT"), STR_INIT("/sim/knobs/"), on_knobs_put},
    {STR_INIT("GET"), STR_INIT("/environment/v3/contact-centers"), on_gws_centers},
    {STR_INIT("GET"), STR_INIT("/environment/v3/contact-centers/"), on_gws_settings_get},
    {STR_INIT("POST"), STR_INIT("/environment/v3/contact-centers/"), on_gws_settings_post},
    {STR_INIT("POST"), STR_INIT("/auth/v3/ops/clients"), on_gws_clients},
    {STR_INIT("POST"), STR_INIT("/auth/v3/oauth/token"), on_gws_token},
    {STR_INIT("GET"), STR_INIT("/auth/v3/oauth/authorize"), on_gws_authorize},
    {STR_INIT("POST"), STR_INIT("/auth/v3/oauth/authorize"), on_gws_authorize_post},
    {STR_INIT("GET"), STR_INIT("/auth/v3/userinfo"), on_gws_userinfo},
    {STR_INIT("GET"), STR_INIT("/auth/v3/sign-out"), on_gws_sign_out},
    {STR_INIT("POST"), STR_INIT("/auth/v3/sign-out"), on_gws_sign_out},
    {STR_INIT("GET"), STR_INIT("/health/live"), on_live},
    {STR_INIT("GET"), STR_INIT("/"), on_page},
};

static bool path_fits(const struct simulator_route *route, struct str path)
{
    bool is_prefix = route->path.ptr[route->path.len - 1] == '/';

    return is_prefix ? str_starts(path, route->path) : str_equal(path, route->path);
}

void simulator_route(void *context, struct http_request *request)
{
    AUTO(buf) rest = {0};
    struct str method = http_method(request), path = http_path(request);
    struct err err;

    if (str_equal(method, STR("HEAD")))
        method = STR("GET");
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        const struct simulator_route *route = &routes[i];
        if (!str_equal(method, route->method) || !path_fits(route, path))
            continue;
        if (!buf_percent_decode(&rest, str_skip(path, route->path.len), false))
            break;
        route->handle(context, request, buf_str(&rest));
        return;
    }
    err_set(&err, ERR_NOT_FOUND, "no such path");
    simulator_answer_error(request, &err);
}

struct str simulator_query(struct http_request *request, struct str name)
{
    return query_find(http_query(request), name, http_arena(request));
}

void simulator_answer(struct http_request *request, int status, struct str json)
{
    http_answer(request, &(struct http_answer){.status = status,
                                               .content_type = STR("application/json"),
                                               .body = json,
                                               .headers = {{"cache-control", STR("no-store")}}});
}

void simulator_answer_error(struct http_request *request, const struct err *err)
{
    AUTO(buf) json = {0};

    json_open(&json, '{');
    json_key_str(&json, "code", err_name(err->code));
    json_key_str(&json, "detail", str_of(err->text));
    json_close(&json, '}');
    simulator_answer(request, err_http_status(err->code), buf_str(&json));
}
