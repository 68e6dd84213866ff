// errors: see the header.
#include "errors.h"

#include "examples.h"
#include "reply.h"
#include "schema.h"

#include "base/err.h"
#include "gateway/answer_body.h"

// How errors look: OURS as problem+json; DOCUMENTED in their envelope, or as problem+json when the
// caller asks for that.
enum error_look { LOOK_PROBLEM, LOOK_E1, LOOK_E2, LOOK_COUNT };

static const char *const look_names[LOOK_COUNT] = {
    [LOOK_PROBLEM] = "problem", [LOOK_E1] = "numeric", [LOOK_E2] = "symbolic"};

static enum error_look look_of(const struct route *route)
{
    if (!route->documented)
        return LOOK_PROBLEM;
    return route->envelope == ENVELOPE_E1 ? LOOK_E1 : LOOK_E2;
}

#define BIT(code) (1U << ERR_##code)

// What the HTTP server itself may say before anyone looks at the route.
#define OF_HTTP (BIT(BAD_REQUEST) | BIT(REQUEST_TIMEOUT) | BIT(TOO_LARGE) | BIT(HEADERS_TOO_LARGE))
// Where one must say who calls; and where a worker is asked.
#define OF_CALLER                                                                                  \
    (BIT(UNAUTHENTICATED) | BIT(UNKNOWN_KEY) | BIT(BUSY) | BIT(UNAVAILABLE) | BIT(BAD_INPUT) |     \
     BIT(INTERNAL) | BIT(RATE_LIMITED))
#define OF_WORKER                                                                                  \
    (BIT(BAD_INPUT) | BIT(POISONED) | BIT(CONCURRENT) | BIT(LOCKED) | BIT(INTERNAL) | BIT(BUSY) |  \
     BIT(UNAVAILABLE) | BIT(UNKNOWN_OUTCOME) | BIT(DEADLINE))

static const struct own_errors {
    enum route_id route;
    uint32_t errors;
} own_errors[] = {
#define OWN_ANSWER(...)
#define OWN_SESSION(...)
#define OWN_PARAMETER(...)
#define CAN(error)             | BIT(error)
#define A_CALLER               | OF_CALLER
#define A_WORKER               | OF_WORKER
#define OWN_ERRORS(row, which) {.route = ROUTE_##row, .errors = 0 which},
#include "own_answers.def"
};

static uint32_t errors_of(const struct route *route)
{
    uint32_t errors = OF_HTTP;

    if (route->credentials != CREDENTIALS_NONE)
        errors |= OF_CALLER;
    if (route->permission != PERMISSION_NOBODY)
        errors |= BIT(FORBIDDEN);
    if (!route->own)
        errors |= OF_WORKER | reply_type(route->message)->errors;
    if (route_takes_keys(route))
        errors |= BIT(STILL_RUNNING) | BIT(KEY_REUSED);
    if (route->conditional)
        errors |= BIT(CHANGED_MEANWHILE);
    if (!route->own && route->method != METHOD_GET)
        errors |= BIT(UNSUPPORTED_MEDIA);
    for (size_t i = 0; i < COUNT_OF(own_errors); i++)
        if (own_errors[i].route == route->id)
            errors |= own_errors[i].errors;
    return errors;
}

static int next_status(uint32_t errors, int after)
{
    int next = 0;

    for (int i = 0; i < ERR_COUNT; i++) {
        int status = err_http_status((enum err_code)i);
        if (errors & 1U << i && status > after && (next == 0 || status < next))
            next = status;
    }
    return next;
}

void errors_rate_headers(struct buf *out)
{
    json_key(out, "RateLimit");
    schema_ref(out, "headers", "RateLimit");
    json_key(out, "RateLimit-Policy");
    schema_ref(out, "headers", "RateLimit-Policy");
}

int errors_next(const struct route *route, int after)
{
    return next_status(errors_of(route), after);
}

void errors_headers(struct buf *out, int status)
{
    json_key(out, "headers");
    json_open(out, '{');
    json_key(out, "traceparent");
    schema_ref(out, "headers", "traceparent");
    if (status == 429 || status == 503 || status == 504) {
        json_key(out, "Retry-After");
        schema_ref(out, "headers", "Retry-After");
    }
    if (status == 409)
        json_key_raw(out, "Retry-After",
                     STR("{\"description\":\"Seconds, where the first request still runs.\","
                         "\"schema\":{\"type\":\"string\"}}"));
    if (status == 401) {
        json_key(out, "WWW-Authenticate");
        schema_ref(out, "headers", "WWW-Authenticate");
    }
    if (status >= 400)
        errors_rate_headers(out);
    json_close(out, '}');
}

static void codes_of(struct buf *out, int status, struct str (*name)(enum err_code))
{
    struct str before = STR("");

    json_key(out, "enum");
    json_open(out, '[');
    for (int i = 0; i < ERR_COUNT; i++) {
        struct str code = name((enum err_code)i);
        if (err_http_status((enum err_code)i) == status && !str_equal(code, before)) {
            json_str(out, code);
            before = code;
        }
    }
    json_close(out, ']');
}

static void const_int(struct buf *out, const char *key, int value)
{
    json_key(out, key);
    json_open(out, '{');
    json_key_int(out, "const", value);
    json_close(out, '}');
}

static void problem_details(struct buf *out, int status)
{
    const_int(out, "status", status);
    json_key(out, "code");
    json_open(out, '{');
    codes_of(out, status, err_name);
    json_close(out, '}');
}

static void envelope_details(struct buf *out, enum error_look look, int status)
{
    json_key(out, "status");
    json_open(out, '{');
    json_key(out, "properties");
    json_open(out, '{');
    if (look == LOOK_E1) {
        const_int(out, "code", status);
    } else {
        json_key(out, "code");
        json_open(out, '{');
        codes_of(out, status, err_symbolic);
        json_close(out, '}');
    }
    // Again, because what checks examples looks at each part of an allOf for itself.
    json_key_raw(out, "message", STR("{\"type\":\"string\"}"));
    json_close(out, '}');
    json_close(out, '}');
}

// Each error of this status, as the gateway would write it. No path: it is a part of many operations.
static void error_examples(struct buf *out, enum error_look look, int status)
{
    AUTO(buf) body = {0};
    AUTO(buf) name = {0};

    json_key(out, "examples");
    json_open(out, '{');
    for (int i = 0; i < ERR_COUNT; i++) {
        enum err_code code = (enum err_code)i;
        struct str text = example_of_fault(code);
        if (err_http_status(code) != status)
            continue;
        buf_clear(&body);
        buf_clear(&name);
        buf_str_append(&name, err_name(code));
        if (look == LOOK_PROBLEM)
            body_render_problem(&body, code, text, STR(""), example_operation());
        else
            body_render_error(&body, look == LOOK_E1 ? ENVELOPE_E1 : ENVELOPE_E2, code, text,
                              example_operation());
        json_key(out, buf_c_string(&name));
        json_open(out, '{');
        json_key_str(out, "summary", err_title(code));
        json_key_raw(out, "value", buf_str(&body));
        json_close(out, '}');
    }
    json_close(out, '}');
}

// "application/…": {"schema": the error, narrowed to what this status can mean, "examples": …}
static void error_medium(struct buf *out, enum error_look look, int status)
{
    static const char *const objects[LOOK_COUNT] = {
        [LOOK_PROBLEM] = "problem", [LOOK_E1] = "numeric_error", [LOOK_E2] = "symbolic_error"};

    json_key(out, look == LOOK_PROBLEM ? "application/problem+json" : "application/json");
    json_open(out, '{');
    json_key(out, "schema");
    json_open(out, '{');
    json_key(out, "allOf");
    json_open(out, '[');
    schema_ref(out, "schemas", objects[look]);
    json_open(out, '{');
    json_key(out, "properties");
    json_open(out, '{');
    if (look == LOOK_PROBLEM)
        problem_details(out, status);
    else
        envelope_details(out, look, status);
    json_close(out, '}');
    json_close(out, '}');
    json_close(out, ']');
    json_close(out, '}');
    error_examples(out, look, status);
    json_close(out, '}');
}

static void error_answer(struct buf *out, enum error_look look, int status)
{
    AUTO(buf) text = {0};

    for (int i = 0; i < ERR_COUNT; i++)
        if (err_http_status((enum err_code)i) == status)
            buf_printf(&text, "%s%.*s", text.len ? " Or: " : "",
                       STR_ARG(err_title((enum err_code)i)));
    json_open(out, '{');
    json_key_str(out, "description", buf_str(&text));
    errors_headers(out, status);
    json_key(out, "content");
    json_open(out, '{');
    if (look != LOOK_PROBLEM)
        error_medium(out, look, status);
    error_medium(out, LOOK_PROBLEM, status);
    json_close(out, '}');
    json_close(out, '}');
}

static void look_name(struct buf *name, enum error_look look, int status)
{
    buf_clear(name);
    buf_printf(name, "%s.%d", look_names[look], status);
}

// Does any route answer with this status in this look?
static bool is_used(enum error_look look, int status)
{
    for (int id = 0; id < ROUTE_COUNT; id++) {
        const struct route *route = route_of((enum route_id)id);
        if (look_of(route) == look && errors_next(route, status - 1) == status)
            return true;
    }
    return false;
}

void errors_shared(struct buf *out)
{
    AUTO(buf) name = {0};

    json_open(out, '{');
    for (int look = 0; look < LOOK_COUNT; look++) {
        for (int status = 399; (status = next_status(UINT32_MAX, status));) {
            if (!is_used((enum error_look)look, status))
                continue;
            look_name(&name, (enum error_look)look, status);
            json_key(out, buf_c_string(&name));
            error_answer(out, (enum error_look)look, status);
        }
    }
    json_close(out, '}');
}

void errors_name(struct buf *name, const struct route *route, int status)
{
    look_name(name, look_of(route), status);
}
