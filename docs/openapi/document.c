// document: the document from the outside in: paths, their operations, what they share.
#include "document.h"

#include "answers.h"
#include "errors.h"
#include "provisioning.h"
#include "reply.h"
#include "requests.h"
#include "schema.h"
#include "webhooks.h"

#include "base/buf.h"
#include "gateway/route.h"

static const char *const credentials_names[] = {
    [CREDENTIALS_NONE] = "NONE", [CREDENTIALS_BASIC] = "BASIC", [CREDENTIALS_KEY] = "KEY"};

static const char *const tenants_names[] = {[TENANTS_ONE] = "ONE_TENANT",
                                            [TENANTS_ALL] = "ALL_TENANTS",
                                            [TENANTS_NAMED] = "NAMED",
                                            [TENANTS_PLATFORM] = "PLATFORM"};

// /nexus/v3/sms/message → sms; /chat/v3/conversations → chat
static struct str tag_of(const struct route *route)
{
    struct str path = str_skip(route->path, 1), tag;

    if (str_starts(path, STR("nexus/v3/")))
        path = str_skip(path, sizeof "nexus/v3/" - 1);
    str_cut(path, '/', &tag, &path);
    str_cut(tag, '.', &tag, &path);
    return tag;
}

static const enum route_id own_sessions[] = {
#define OWN_ANSWER(...)
#define OWN_ERRORS(...)
#define OWN_PARAMETER(...)
#define OWN_SESSION(name) ROUTE_##name,
#include "own_answers.def"
};

static bool is_of_session(const struct route *route)
{
    for (size_t i = 0; i < COUNT_OF(own_sessions); i++)
        if (own_sessions[i] == route->id)
            return true;
    return false;
}

// A browser sends the cookie by itself, whoever made it; so what changes something takes more.
static void security(struct buf *out, const struct route *route)
{
    struct str session =
        route->method == METHOD_GET ? STR("{\"session\":[]}") : STR("{\"session\":[],\"csrf\":[]}");

    json_key(out, "security");
    json_open(out, '[');
    if (route->credentials == CREDENTIALS_BASIC)
        json_raw(out, STR("{\"basic\":[]}"));
    if (route->credentials == CREDENTIALS_KEY) {
        json_raw(out, STR("{\"apiKey\":[]}"));
        json_raw(out, STR("{\"bearer\":[]}"));
    }
    if (route->credentials == CREDENTIALS_KEY || is_of_session(route))
        json_raw(out, session);
    json_close(out, ']');
}

static void row(struct buf *out, const struct route *route)
{
    struct str one, others = str_of(permission_enough(route->permission));

    json_key(out, "x-nexus");
    json_open(out, '{');
    json_key_str(out, "route", str_of(route->name));
    if (!route->own)
        json_key_str(out, "message", message_type(route->message)->name);
    json_key_str(out, "credentials", str_of(credentials_names[route->credentials]));
    json_key_str(out, "permission", str_of(permission_name(route->permission)));
    json_key(out, "enough");
    json_open(out, '[');
    while (str_present(others) && others.len) {
        str_cut(others, ' ', &one, &others);
        json_str(out, one);
    }
    json_close(out, ']');
    json_key_str(out, "tenants", str_of(tenants_names[route->tenants]));
    json_key_bool(out, "limited", route->limited);
    json_close(out, '}');
}

static void operation(struct buf *out, const struct route *route)
{
    AUTO(buf) name = {0};

    request_operation(&name, route);
    json_open(out, '{');
    json_key_str(out, "operationId", buf_str(&name));
    json_key_str(out, "summary", str_of(route->summary));
    json_key(out, "tags");
    json_open(out, '[');
    json_str(out, tag_of(route));
    json_close(out, ']');
    security(out, route);
    row(out, route);
    request_parameters(out, route);
    request_body(out, route);
    json_key(out, "responses");
    answers_of_route(out, route);
    json_close(out, '}');
}

static bool is_first_of_its_path(const struct route *route)
{
    for (int id = 0; id < (int)route->id; id++)
        if (str_equal(route_of((enum route_id)id)->path, route->path))
            return false;
    return true;
}

// The paths of the API, or those of the pages.
static void paths(struct buf *out, bool for_browsers)
{
    static const char *const keys[METHOD_COUNT] = {[METHOD_GET] = "get",
                                                   [METHOD_POST] = "post",
                                                   [METHOD_PUT] = "put",
                                                   [METHOD_DELETE] = "delete"};
    AUTO(buf) path = {0};

    json_open(out, '{');
    for (int id = 0; id < ROUTE_COUNT; id++) {
        const struct route *first = route_of((enum route_id)id);
        if (!is_first_of_its_path(first) || answers_are_for_browsers(first) != for_browsers)
            continue;
        buf_clear(&path);
        buf_str_append(&path, first->path);
        json_key(out, buf_c_string(&path));
        json_open(out, '{');
        for (int other = id; other < ROUTE_COUNT; other++) {
            const struct route *route = route_of((enum route_id)other);
            if (!str_equal(route->path, first->path))
                continue;
            json_key(out, keys[route->method]);
            operation(out, route);
        }
        json_close(out, '}');
    }
    json_close(out, '}');
}

// --- what they share

// Does an answer in the symbolic envelope say that it worked? No route has one yet.
static bool has_symbolic_answers(void)
{
    for (int id = 0; id < ROUTE_COUNT; id++)
        if (route_of((enum route_id)id)->envelope == ENVELOPE_E2)
            return true;
    return false;
}

static void schemas(struct buf *out)
{
    json_open(out, '{');
    for (int id = OBJECT_nothing + 1; id < OBJECT_COUNT; id++) {
        const struct reply_object *object = reply_object((enum object_id)id);
        if (id == OBJECT_symbolic_done && !has_symbolic_answers())
            continue;
        json_key(out, object->name);
        schema_of_object(out, object);
    }
    provisioning_schemas(out);
    for (int id = 0; id < ROUTE_COUNT; id++)
        request_schemas(out, route_of((enum route_id)id));
    json_close(out, '}');
}

static void scheme(struct buf *out, const char *name, struct str members, const char *doc)
{
    json_key(out, name);
    json_open(out, '{');
    json_key_str(out, "description", str_of(doc));
    buf_byte(out, ',');
    buf_str_append(out, members);
    json_close(out, '}');
}

static void schemes(struct buf *out)
{
    json_open(out, '{');
    scheme(out, "basic", STR("\"type\":\"http\",\"scheme\":\"basic\""),
           "The ccid as user name, an API key as password.");
    scheme(out, "apiKey", STR("\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"x-api-key\""),
           "An API key.");
    scheme(out, "bearer", STR("\"type\":\"http\",\"scheme\":\"bearer\""),
           "An API key, or an access token of GWS; the word Bearer may be left out.");
    scheme(out, "session", STR("\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"nexus_session\""),
           "The session of a user who has logged in. Over https the name is __Host-nexus_session.");
    scheme(out, "csrf", STR("\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"x-csrf-token\""),
           "What /auth/session said under csrf.");
    json_close(out, '}');
}

static void components(struct buf *out)
{
    json_open(out, '{');
    json_key(out, "schemas");
    schemas(out);
    json_key(out, "responses");
    errors_shared(out);
    json_key(out, "headers");
    answers_headers(out);
    json_key(out, "parameters");
    request_shared_parameters(out);
    json_key(out, "securitySchemes");
    schemes(out);
    json_close(out, '}');
}

void document_write(struct buf *out)
{
    json_open(out, '{');
    json_key_str(out, "openapi", STR("3.1.0"));
    json_key_raw(out, "info",
                 STR("{\"title\":\"Nexus\",\"version\":\"" NEXUS_VERSION "\",\"description\":"
                     "\"Digital channels: text messages in, agents' answers out, receipts back. A "
                     "2xx to a write means that it is committed. HEAD answers as GET would.\","
                     "\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}}"));
    json_key_raw(
        out, "servers",
        STR("[{\"url\":\"/\",\"description\":\"The gateway that serves this document.\"}]"));
    json_key(out, "paths");
    paths(out, false);
    json_key(out, "x-pages");
    paths(out, true);
    json_key(out, "webhooks");
    webhooks_write(out);
    json_key(out, "components");
    components(out);
    json_close(out, '}');
}
