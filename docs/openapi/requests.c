// requests: see the header.
#include "requests.h"

#include "examples.h"
#include "provisioning.h"
#include "schema.h"

#include "wire/message.h"

struct own_parameter {
    enum route_id route;
    const char *in, *name, *doc;
};

static const struct own_parameter own_parameters[] = {
#define OWN_ANSWER(...)
#define OWN_SESSION(...)
#define OWN_ERRORS(...)
#define HEADER "header"
#define QUERY  "query"
#define PATH   "path"
#define OWN_PARAMETER(row, where, field, text)                                                     \
    {.route = ROUTE_##row, .in = where, .name = field, .doc = text},
#include "own_answers.def"
};

// What a request to a number with an api.secret is signed with; any of the three forms is enough.
static const struct {
    const char *name, *header, *says;
} signatures[] = {
    {"hubSignature", "X-Hub-Signature",
     "sha1= and HMAC-SHA-1 of the body in hex, with the number's api.secret. A wrong signature is "
     "refused where the number has a secret; none is, too, where the key may post by "
     "nexus:gateway:sms alone."},
    {"hubSignature256", "X-Hub-Signature-256", "The same with sha256= and HMAC-SHA-256."},
    {"webhookId", "webhook-id", "Standard Webhooks: the name of the request."},
    {"webhookTimestamp", "webhook-timestamp",
     "Standard Webhooks: seconds since 1970, within 300 of now."},
    {"webhookSignature", "webhook-signature",
     "Standard Webhooks: v1, and HMAC-SHA-256 of id, timestamp and body, in base64; of several, "
     "apart by blanks, one must be right."},
};

// SMS_MESSAGE → smsMessage
void request_operation(struct buf *out, const struct route *route)
{
    bool upper = false;

    for (const char *at = route->name; *at; at++) {
        if (*at != '_')
            buf_byte(out, (unsigned char)(upper || *at < 'A' || *at > 'Z' ? *at : *at + 32));
        upper = *at == '_';
    }
}

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
    // What is neither in the path nor in the body is in the query.
    bool in_query = route->method == METHOD_GET || schema_whole_body(message);

    for (size_t i = 0; i < message->field_count; i++) {
        const struct message_field *field = &message->fields[i];
        bool in_path = schema_field_is_in_path(route, field);
        if (!message_field_is_body(field) && (in_path || in_query))
            parameter(out, message_field_label(field), in_path ? "path" : "query",
                      in_path || field->presence == REQUIRED, field, field->doc);
    }
    schema_ref(out, "parameters", "operationId");
}

void request_parameters(struct buf *out, const struct route *route)
{
    json_key(out, "parameters");
    json_open(out, '[');
    if (route->credentials == CREDENTIALS_KEY)
        schema_ref(out, "parameters", "contactCenter");
    if (route_takes_keys(route))
        schema_ref(out, "parameters", "idempotencyKey");
    if (route_is_signed(route))
        for (size_t i = 0; i < COUNT_OF(signatures); i++)
            schema_ref(out, "parameters", signatures[i].name);
    if (route->conditional) {
        schema_ref(out, "parameters", "ifMatch");
        schema_ref(out, "parameters", "ifNoneMatch");
    }
    if (!route->own)
        message_parameters(out, route);
    for (size_t i = 0; i < COUNT_OF(own_parameters); i++)
        if (own_parameters[i].route == route->id)
            parameter(out, str_of(own_parameters[i].name), own_parameters[i].in,
                      str_equal(str_of(own_parameters[i].in), STR(PATH)), NULL,
                      own_parameters[i].doc);
    json_close(out, ']');
}

void request_shared_parameters(struct buf *out)
{
    json_open(out, '{');
    json_key_raw(out, "contactCenter",
                 STR("{\"name\":\"x-ccid\",\"in\":\"header\",\"description\":\"The contact center: "
                     "for which of them a cluster key acts; a contact center's own key may name "
                     "its own.\",\"schema\":{\"type\":\"string\",\"format\":\"uuid\"}}"));
    json_key_raw(
        out, "idempotencyKey",
        STR("{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"description\":\"The caller's "
            "name for this request: sent again with it, the request is not done again, "
            "and the stored answer comes with Idempotency-Replayed.\",\"schema\":{\"type\":"
            "\"string\",\"minLength\":1,\"maxLength\":255,\"pattern\":\"^[ -~]+$\"}}"));
    for (size_t i = 0; i < COUNT_OF(signatures); i++) {
        json_key(out, signatures[i].name);
        json_open(out, '{');
        json_key_str(out, "name", str_of(signatures[i].header));
        json_key_str(out, "in", STR("header"));
        json_key_str(out, "description", str_of(signatures[i].says));
        json_key(out, "schema");
        json_open(out, '{');
        json_key_str(out, "type", STR("string"));
        json_close(out, '}');
        json_close(out, '}');
    }
    json_key_raw(
        out, "ifMatch",
        STR("{\"name\":\"If-Match\",\"in\":\"header\",\"description\":\"The ETag of what is to be "
            "changed, as it was read: if it was changed meanwhile, nothing is done and the "
            "answer is "
            "412.\",\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":512}}"));
    json_key_raw(out, "ifNoneMatch",
                 STR("{\"name\":\"If-None-Match\",\"in\":\"header\",\"description\":\"*: only if "
                     "it is not there "
                     "yet; if it is, nothing is done and the answer is "
                     "412.\",\"schema\":{\"type\":\"string\","
                     "\"minLength\":1,\"maxLength\":512}}"));
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
    if (route->own || route->method == METHOD_GET)
        return false;
    const struct message_field *whole = schema_whole_body(message);
    if (whole) {
        *required = whole->presence == REQUIRED;
        return true;
    }
    for (size_t i = 0; i < message->field_count; i++) {
        bool in_path = schema_field_is_in_path(route, &message->fields[i]);
        has |= !in_path;
        *required |= !in_path && message->fields[i].presence == REQUIRED;
    }
    return has;
}

static void schema_name(struct buf *name, const struct route *route, const char *what)
{
    buf_clear(name);
    request_operation(name, route);
    buf_printf(name, ".%s", what);
}

void request_body(struct buf *out, const struct route *route)
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
        example_of_request(out, route);
        json_close(out, '}');
    }
    json_close(out, '}');
    json_close(out, '}');
}

void request_schemas(struct buf *out, const struct route *route)
{
    AUTO(buf) of_body = {0}, of_fields = {0};
    bool required;

    if (!has_body(route, &required))
        return;
    const struct message_type *message = message_type(route->message);
    const struct message_field *whole = schema_whole_body(message);
    schema_name(&of_body, route, "body");
    schema_name(&of_fields, route, "fields");
    json_key(out, buf_c_string(&of_body));
    if (whole) {
        if (provisioning_body(out, route))
            return;
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
