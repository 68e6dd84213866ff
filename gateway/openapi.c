// openapi: the document from the outside in: paths, their operations, what they share.
#include "openapi.h"

#include "answer.h"
#include "gateway.h"
#include "openapi_answers.h"
#include "openapi_errors.h"
#include "openapi_schema.h"

#include "base/buf.h"
#include "wire/reply.h"

static const char *const credentials_names[] = {
    [CREDENTIALS_NONE] = "NONE", [CREDENTIALS_BASIC] = "BASIC", [CREDENTIALS_KEY] = "KEY"};

static const struct {
    const char *name, *enough;
} permissions[PERMISSION_COUNT] = {
#define X(id, alternatives) [PERMISSION_##id] = {#id, alternatives},
    PERMISSIONS(X)
#undef X
};

struct own_parameter {
    enum route_id route;
    const char *in, *name, *doc;
};

static const struct own_parameter own_parameters[] = {
#define OWN_ANSWER(...)
#define HEADER                          "header"
#define QUERY                           "query"
#define OWN_PARAMETER(row, where, field, text)                                                     \
    {.route = ROUTE_##row, .in = where, .name = field, .doc = text},
#include "own_answers.def"
};

// SMS_MESSAGE → smsMessage
static void operation_name(struct buf *out, const char *route)
{
    bool upper = false;

    for (; *route; route++) {
        if (*route != '_')
            buf_byte(out, (unsigned char)(upper || *route < 'A' || *route > 'Z' ? *route
                                                                                : *route + 32));
        upper = *route == '_';
    }
}

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

// --- parameters

static void parameter(struct buf *out, struct str name, const char *in, bool required,
                      const struct message_field *field, const char *doc)
{
    json_open(out, '{');
    json_key_str(out, "name", name);
    json_key_str(out, "in", str_of(in));
    json_key_bool(out, "required", required);
    json_key_str(out, "description", str_of(doc));
    json_key(out, "schema");
    if (field)
        schema_of_field(out, field);
    else
        json_raw(out, STR("{\"type\":\"string\"}"));
    json_close(out, '}');
}

static void message_parameters(struct buf *out, const struct route *route)
{
    const struct message_type *message = message_type(route->message);

    for (size_t i = 0; i < message->field_count; i++) {
        const struct message_field *field = &message->fields[i];
        bool in_path = schema_field_is_in_path(route, field);
        if (in_path || route->method == METHOD_GET)
            parameter(out, message_field_label(field), in_path ? "path" : "query",
                      in_path || field->required, field, field->doc);
    }
    schema_ref(out, "parameters", "operationId");
}

static void parameters(struct buf *out, const struct route *route)
{
    json_key(out, "parameters");
    json_open(out, '[');
    if (route->credentials == CREDENTIALS_KEY)
        schema_ref(out, "parameters", "contactCenter");
    if (!route->open)
        message_parameters(out, route);
    for (size_t i = 0; i < COUNT_OF(own_parameters); i++)
        if (own_parameters[i].route == route->id)
            parameter(out, str_of(own_parameters[i].name), own_parameters[i].in, false, NULL,
                      own_parameters[i].doc);
    json_close(out, ']');
}

static void shared_parameters(struct buf *out)
{
    json_open(out, '{');
    json_key_raw(out, "contactCenter",
                 STR("{\"name\":\"x-ccid\",\"in\":\"header\",\"description\":\"The contact center: "
                     "for which of them a cluster key acts; a contact center's own key may name "
                     "its own.\",\"schema\":{\"type\":\"string\",\"format\":\"uuid\"}}"));
    json_key_raw(out, "operationId",
                 STR("{\"name\":\"operationId\",\"in\":\"query\",\"description\":\"The caller's "
                     "name for this request; echoed. In a body it may stand there.\",\"schema\":{"
                     "\"type\":\"string\",\"format\":\"uuid\"}}"));
    json_close(out, '}');
}

// --- bodies

static bool has_body(const struct route *route, bool *required)
{
    const struct message_type *message = message_type(route->message);
    bool has = false;

    *required = false;
    if (route->open || route->method == METHOD_GET)
        return false;
    for (size_t i = 0; i < message->field_count; i++) {
        bool in_path = schema_field_is_in_path(route, &message->fields[i]);
        has |= !in_path;
        *required |= !in_path && message->fields[i].required;
    }
    return has;
}

static void schema_name(struct buf *name, const struct route *route, const char *what)
{
    buf_clear(name);
    operation_name(name, route->name);
    buf_printf(name, ".%s", what);
}

static void body(struct buf *out, const struct route *route)
{
    static const char *const media[] = {"application/json", "application/x-www-form-urlencoded"};
    AUTO(buf) name = {0};
    bool required;

    if (!has_body(route, &required))
        return;
    schema_name(&name, route, "body");
    json_key(out, "requestBody");
    json_open(out, '{');
    json_key_bool(out, "required", required);
    json_key(out, "content");
    json_open(out, '{');
    for (size_t i = 0; i < COUNT_OF(media); i++) {
        json_key(out, media[i]);
        json_open(out, '{');
        json_key(out, "schema");
        schema_ref(out, "schemas", buf_c_string(&name));
        json_close(out, '}');
    }
    json_close(out, '}');
    json_close(out, '}');
}

// --- operations

static void security(struct buf *out, const struct route *route)
{
    static const struct str schemes[] = {
        [CREDENTIALS_NONE] = STR_INIT("[]"),
        [CREDENTIALS_BASIC] = STR_INIT("[{\"basic\":[]}]"),
        [CREDENTIALS_KEY] = STR_INIT("[{\"apiKey\":[]},{\"bearer\":[]}]"),
    };

    json_key_raw(out, "security", schemes[route->credentials]);
}

static void row(struct buf *out, const struct route *route)
{
    struct str one, others = str_of(permissions[route->permission].enough);

    json_key(out, "x-nexus");
    json_open(out, '{');
    json_key_str(out, "route", str_of(route->name));
    if (!route->open)
        json_key_str(out, "message", message_type(route->message)->name);
    json_key_str(out, "credentials", str_of(credentials_names[route->credentials]));
    json_key_str(out, "permission", str_of(permissions[route->permission].name));
    json_key(out, "enough");
    json_open(out, '[');
    while (str_present(others) && others.len) {
        str_cut(others, ' ', &one, &others);
        json_str(out, one);
    }
    json_close(out, ']');
    json_key_str(out, "tenants", route->all_tenants ? STR("ALL_TENANTS") : STR("ONE_TENANT"));
    json_key_bool(out, "limited", route->limited);
    json_close(out, '}');
}

static void operation(struct buf *out, const struct route *route)
{
    AUTO(buf) name = {0};

    operation_name(&name, route->name);
    json_open(out, '{');
    json_key_str(out, "operationId", buf_str(&name));
    json_key_str(out, "summary", str_of(route->summary));
    json_key(out, "tags");
    json_open(out, '[');
    json_str(out, tag_of(route));
    json_close(out, ']');
    security(out, route);
    row(out, route);
    parameters(out, route);
    body(out, route);
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

static void paths(struct buf *out)
{
    static const char *const keys[METHOD_COUNT] = {[METHOD_GET] = "get",
                                                   [METHOD_POST] = "post",
                                                   [METHOD_PUT] = "put",
                                                   [METHOD_DELETE] = "delete"};
    AUTO(buf) path = {0};

    json_open(out, '{');
    for (int id = 0; id < ROUTE_COUNT; id++) {
        const struct route *first = route_of((enum route_id)id);
        if (!is_first_of_its_path(first))
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

static void body_schemas(struct buf *out, const struct route *route)
{
    AUTO(buf) of_body = {0}, of_fields = {0};
    const struct message_type *message = message_type(route->message);
    const struct message_field *whole = schema_whole_body(message);

    schema_name(&of_body, route, "body");
    schema_name(&of_fields, route, "fields");
    json_key(out, buf_c_string(&of_body));
    if (whole) {
        json_open(out, '{');
        json_key_str(out, "type", STR("object"));
        json_key_str(out, "description", str_of(whole->doc));
        json_close(out, '}');
        return;
    }
    schema_of_body(out, route, buf_c_string(&of_fields));
    json_key(out, buf_c_string(&of_fields));
    schema_of_fields(out, route, message);
}

static void schemas(struct buf *out)
{
    bool required;

    json_open(out, '{');
    for (int id = OBJECT_nothing + 1; id < OBJECT_COUNT; id++) {
        const struct reply_object *object = reply_object((enum object_id)id);
        json_key(out, object->name);
        schema_of_object(out, object);
    }
    for (int id = 0; id < ROUTE_COUNT; id++)
        if (has_body(route_of((enum route_id)id), &required))
            body_schemas(out, route_of((enum route_id)id));
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
    shared_parameters(out);
    json_key_raw(
        out, "securitySchemes",
        STR("{\"basic\":{\"type\":\"http\",\"scheme\":\"basic\",\"description\":\"The ccid as user "
            "name, an API key as password.\"},"
            "\"apiKey\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"x-api-key\"},"
            "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"An API key; "
            "the word Bearer may be left out.\"}}"));
    json_close(out, '}');
}

void openapi_write(struct buf *out)
{
    json_open(out, '{');
    json_key_str(out, "openapi", STR("3.1.0"));
    json_key_raw(out, "info",
                 STR("{\"title\":\"Nexus\",\"version\":\"" NEXUS_VERSION "\",\"description\":"
                     "\"Digital channels: text messages in, agents' answers out, receipts back. A "
                     "2xx to a write means that it is committed. HEAD answers as GET would.\"}"));
    json_key(out, "paths");
    paths(out);
    json_key(out, "components");
    components(out);
    json_close(out, '}');
}

void openapi_open(struct exchange *exchange)
{
    struct buf *out = &exchange->gateway->text;

    buf_clear(out);
    openapi_write(out);
    answer_json(exchange, ERR_OK, buf_str(out));
}
