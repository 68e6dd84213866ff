// answers: see the header.
#include "answers.h"

#include "errors.h"
#include "examples.h"
#include "reply.h"
#include "schema.h"

enum medium {
    MEDIUM_JSON,
    MEDIUM_E1,
    MEDIUM_HTML,
    MEDIUM_EVENT_STREAM,
    MEDIUM_ASSET,
    MEDIUM_NO_BODY,
};

struct own_answer {
    enum route_id route;
    int status;
    enum medium medium;
    enum object_id object;
    const char *doc;
};

static const struct own_answer own_answers[] = {
#define OWN_ANSWER(name, code, media, what, text)                                                  \
    {.route = ROUTE_##name,                                                                        \
     .status = code,                                                                               \
     .medium = MEDIUM_##media,                                                                     \
     .object = OBJECT_##what,                                                                      \
     .doc = text},
#define OWN_ERRORS(...)
#define OWN_SESSION(...)
#define OWN_PARAMETER(...)
#include "own_answers.def"
};

// --- success

static void data_schema(struct buf *out, enum object_id object)
{
    if (object == OBJECT_nothing)
        json_raw(out, STR("{\"type\":\"object\",\"maxProperties\":0}"));
    else
        schema_ref(out, "schemas", reply_object(object)->name);
}

static void envelope_schema(struct buf *out, enum route_envelope envelope, enum object_id object)
{
    if (envelope == ENVELOPE_E3) {
        data_schema(out, object);
        return;
    }
    json_open(out, '{');
    json_key_str(out, "type", STR("object"));
    json_key(out, "properties");
    json_open(out, '{');
    json_key(out, "status");
    schema_ref(out, "schemas", envelope == ENVELOPE_E1 ? "numeric_done" : "symbolic_done");
    json_key(out, "data");
    data_schema(out, object);
    json_key_raw(out, "operationId", STR("{\"type\":\"string\",\"format\":\"uuid\"}"));
    json_close(out, '}');
    json_key_raw(out, "required", STR("[\"status\",\"data\",\"operationId\"]"));
    json_key_bool(out, "additionalProperties", false);
    json_close(out, '}');
}

static void status_key(struct buf *out, int status)
{
    AUTO(buf) text = {0};

    buf_printf(&text, "%d", status);
    json_key(out, buf_c_string(&text));
}

static void success_headers(struct buf *out, const struct route *route)
{
    json_key(out, "headers");
    json_open(out, '{');
    json_key(out, "traceparent");
    schema_ref(out, "headers", "traceparent");
    if (route_takes_keys(route)) {
        json_key(out, "Idempotency-Replayed");
        schema_ref(out, "headers", "Idempotency-Replayed");
    }
    if (route->versioned) {
        json_key(out, "ETag");
        schema_ref(out, "headers", "ETag");
    }
    if (route->limited)
        errors_rate_headers(out);
    json_close(out, '}');
}

static void success_answer(struct buf *out, const struct route *route)
{
    enum object_id object = reply_type(route->message)->object;
    const struct reply_object *known = reply_object(object);

    status_key(out, route->status);
    json_open(out, '{');
    json_key_str(out, "description", known ? str_of(known->doc) : STR("It worked."));
    success_headers(out, route);
    json_key(out, "content");
    json_open(out, '{');
    json_key(out, "application/json");
    json_open(out, '{');
    json_key(out, "schema");
    envelope_schema(out, route->envelope, object);
    example_of_answer(out, route);
    json_close(out, '}');
    json_close(out, '}');
    json_close(out, '}');
}

// --- what the gateway answers by itself

static void own_content(struct buf *out, const struct route *route, const struct own_answer *answer)
{
    static const char *const media[] = {
        [MEDIUM_JSON] = "application/json",
        [MEDIUM_E1] = "application/json",
        [MEDIUM_HTML] = "text/html",
        [MEDIUM_EVENT_STREAM] = "text/event-stream",
        [MEDIUM_ASSET] = "*/*",
        [MEDIUM_NO_BODY] = NULL,
    };

    json_key(out, media[answer->medium]);
    json_open(out, '{');
    json_key(out, "schema");
    if (answer->medium == MEDIUM_JSON)
        data_schema(out, answer->object);
    else if (answer->medium == MEDIUM_E1)
        envelope_schema(out, ENVELOPE_E1, answer->object);
    else
        json_raw(out, STR("{\"type\":\"string\"}"));
    example_of_gateway(out, route, answer->status,
                       answer->medium == MEDIUM_E1 ? ENVELOPE_E1 : ENVELOPE_E3);
    json_close(out, '}');
}

static void own_answer(struct buf *out, const struct route *route, const struct own_answer *answer)
{
    status_key(out, answer->status);
    json_open(out, '{');
    json_key_str(out, "description", str_of(answer->doc));
    errors_headers(out, answer->status);
    if (answer->medium != MEDIUM_NO_BODY) {
        json_key(out, "content");
        json_open(out, '{');
        own_content(out, route, answer);
        json_close(out, '}');
    }
    json_close(out, '}');
}

static bool is_own(const struct route *route, int status)
{
    for (size_t i = 0; i < COUNT_OF(own_answers); i++)
        if (own_answers[i].route == route->id && own_answers[i].status == status)
            return true;
    return false;
}

bool answers_are_for_browsers(const struct route *route)
{
    bool any = false;

    for (size_t i = 0; i < COUNT_OF(own_answers); i++) {
        if (own_answers[i].route != route->id)
            continue;
        if (own_answers[i].medium != MEDIUM_HTML && own_answers[i].medium != MEDIUM_NO_BODY)
            return false;
        any = true;
    }
    return any;
}

void answers_of_route(struct buf *out, const struct route *route)
{
    AUTO(buf) name = {0};

    json_open(out, '{');
    if (!route->own)
        success_answer(out, route);
    for (size_t i = 0; i < COUNT_OF(own_answers); i++)
        if (own_answers[i].route == route->id)
            own_answer(out, route, &own_answers[i]);
    for (int status = 0; (status = errors_next(route, status));) {
        if (is_own(route, status))
            continue;
        errors_name(&name, route, status);
        status_key(out, status);
        schema_ref(out, "responses", buf_c_string(&name));
    }
    json_close(out, '}');
}

static void header(struct buf *out, const char *name, bool always, const char *doc)
{
    json_key(out, name);
    json_open(out, '{');
    json_key_str(out, "description", str_of(doc));
    if (always)
        json_key_bool(out, "required", true);
    json_key_raw(out, "schema", STR("{\"type\":\"string\"}"));
    json_close(out, '}');
}

void answers_headers(struct buf *out)
{
    json_open(out, '{');
    header(out, "traceparent", false,
           "W3C trace context; missing only where a request could not be read.");
    header(out, "Retry-After", true, "Seconds; a little different each time.");
    header(out, "WWW-Authenticate", true, "What credentials are needed.");
    header(out, "ETag", true, "The version of what is shown, for If-Match.");
    header(out, "Idempotency-Replayed", false,
           "true: done before under this Idempotency-Key; the answer's data is the stored one.");
    header(
        out, "RateLimit", false,
        "What is left (r) of the rate, and in how many seconds (t) there is more. With every 429 "
        "and every answer to the holder of a key that has a rate.");
    header(out, "RateLimit-Policy", false,
           "The rate that counted: q in w seconds; of the key, or of wrong keys (login).");
    json_close(out, '}');
}
