// ingress: the path of a request, top to bottom: route → caller → permission → message → bus →
// answer. A step that cannot continue answers and ends the exchange.
#include "gateway/ingress/ingress.h"

#include "gateway/access.h"
#include "gateway/answer.h"
#include "gateway/attachments/upload.h"
#include "gateway/bodies/large_body.h"
#include "gateway/bodies/proof.h"
#include "gateway/etag.h"
#include "gateway/health/health.h"
#include "gateway/idempotency_key.h"
#include "gateway/identity/login_guard.h"
#include "gateway/ingress/own_route.h"
#include "gateway/tracing.h"

#include "base/clock.h"
#include "bus/gateway/bus_gateway.h"
#include "io/http_server/http_server.h"
#include "process/failpoint.h"
#include "text/query.h"
#include "wire/json/codec_json.h"
#include "wire/msgpack/envelope.h"

enum { QUERY_PARAMETERS = 64 };

static void ingress_known(void *context, struct caller *caller, const struct err *err);
static void ingress_send(struct exchange *exchange);
static void ingress_replied(void *context, enum err_code code, struct str payload);

// A route that is open to all; if it causes work for workers, the requests of one address are
// limited.
static void ingress_open(struct exchange *exchange)
{
    struct login_guard *guard = exchange->gateway->login_guard;
    struct login_limits limits = login_guard_limits(guard);
    uint8_t address[ADDRESS_BYTES];

    access_address(exchange, address);
    if (!exchange->match.route->metered ||
        login_guard_lets_in(guard, address, clock_monotonic_ms(), &exchange->rate.wait_ms)) {
        own_route_open(exchange);
        return;
    }
    exchange->rate_policy = (struct rate_policy){"open", limits.of_open, limits.window_s};
    answer_error(exchange, ERR_RATE_LIMITED, STR("too many requests from this address"));
}

void ingress_begin(void *context, struct http_request *request)
{
    struct gateway *gateway = context;
    struct exchange *exchange = ARENA_ALLOC(http_arena(request), struct exchange);

    *exchange = (struct exchange){.gateway = gateway,
                                  .http = request,
                                  .operation = id_new(),
                                  .body_begin = STR_ABSENT,
                                  .body = STR_ABSENT,
                                  .body_digest = STR_ABSENT,
                                  .started_us = clock_monotonic_us()};
    exchange->ready_us = exchange->started_us;
    tracing_begin(exchange);
    gateway->exchanges++;

    route_find(http_method(request), http_path(request), &exchange->match);
    const struct route *route = exchange->match.route;
    if (!route && exchange->match.allowed == 0)
        answer_error(exchange, ERR_NOT_FOUND, STR("there is no such path"));
    else if (!route)
        answer_error(exchange, ERR_METHOD_NOT_ALLOWED, STR("the path has no such method"));
    else if (http_is_spare(request) && !health_is_probe(route))
        answer_error(exchange, ERR_BUSY, STR("too many connections are open"));
    else if (route->permission == PERMISSION_NOBODY)
        ingress_open(exchange);
    else
        access_identify(exchange, route->credentials, ingress_known, exchange);
}

static void ingress_go(struct exchange *exchange)
{
    if (exchange->match.route->own)
        own_route_open(exchange);
    else if (large_body_is(exchange))
        large_body_take(exchange, ingress_send);
    else
        ingress_send(exchange);
}

static void ingress_counted(void *context, const struct rate_verdict *verdict)
{
    struct exchange *exchange = context;

    exchange->rate = *verdict;
    if (verdict->is_allowed)
        ingress_go(exchange);
    else
        answer_error(exchange, ERR_RATE_LIMITED, STR("rate limit exceeded"));
}

static void ingress_known(void *context, struct caller *caller, const struct err *err)
{
    struct exchange *exchange = context;
    struct err refusal;

    if (!caller) {
        access_refuse(exchange, err);
    } else if (!access_allows(exchange, caller, &refusal)) {
        answer_err(exchange, &refusal);
    } else {
        // The cache may drop the caller while the request waits.
        exchange->principal = caller->principal;
        exchange->right_ends_ms = caller->ends_ms;
        exchange->principal.name = arena_copy(http_arena(exchange->http), caller->principal.name);
        proof_begin(exchange, caller);
        if (!exchange->match.route->limited || caller->capacity == 0) {
            ingress_go(exchange);
            return;
        }
        exchange->rate_policy = (struct rate_policy){"key", caller->capacity, caller->frequency_s};
        exchange->rate_wait.done = ingress_counted;
        exchange->rate_wait.context = exchange;
        rates_take(exchange->gateway->rates, caller->principal.key, caller->capacity,
                   caller->frequency_s, &exchange->rate_wait);
    }
}

static struct str body_text(const struct exchange *exchange)
{
    return str_present(exchange->body) ? exchange->body : http_body(exchange->http);
}

static enum body_strictness strictness_of(const struct route *route)
{
    return route->lenient ? BODY_LENIENT : route->documented ? BODY_TOLERANT : BODY_STRICT;
}

static bool body_of(const struct exchange *exchange, const struct message_type *type,
                    struct body **body, struct err *err)
{
    struct str text = body_text(exchange);

    if (text.len == 0) {
        *body = body_empty();
        return true;
    }
    return body_from_bytes(text, http_header(exchange->http, "content-type"), type,
                           strictness_of(exchange->match.route), body, err);
}

// Puts what the query and the path say into the body; operationId goes to the exchange.
static bool parameters_set(struct exchange *exchange, const struct message_type *type,
                           struct body *body, struct err *err)
{
    struct arena *arena = http_arena(exchange->http);
    const struct route_match *match = &exchange->match;
    struct str query = http_query(exchange->http), value;
    struct query_pair pair;
    struct id named;

    if (match->route->lenient)
        body_set_query(body, query, type);
    for (size_t i = 0; i < match->parameter_count; i++) {
        if (!percent_decode(match->parameters[i].value, false, arena, &value))
            return err_set(err, ERR_BAD_REQUEST, "the path cannot be read");
        body_set(body, match->parameters[i].name, value);
    }
    for (int count = 0; !match->route->lenient && query_cut(&query, &pair); count++) {
        if (count >= QUERY_PARAMETERS || !query_decode(&pair, arena))
            return err_set(err, ERR_BAD_REQUEST, "the query cannot be read");
        if (str_equal(pair.name, STR("operationId"))) {
            if (!id_parse(pair.value, &named) || id_is_none(named))
                return err_set(err, ERR_BAD_INPUT, "operationId is not a UUID");
            exchange->operation = named;
        } else if (!body_set_once(body, pair.name, pair.value)) {
            return err_set(err, ERR_BAD_INPUT, "%.*s: given twice with different values",
                           (int)(pair.name.len < 64 ? pair.name.len : 64), pair.name.ptr);
        }
    }
    struct id operation = body_operation(body);
    if (!id_is_none(operation))
        exchange->operation = operation;
    return true;
}

static bool message_read(struct exchange *exchange, const struct message_type *type, void **message,
                         struct err *err)
{
    const struct route *route = exchange->match.route;
    struct body *body = NULL;
    bool read =
        body_of(exchange, type, &body, err) && parameters_set(exchange, type, body, err) &&
        body_to_message(body, type, strictness_of(route), http_arena(exchange->http), message, err);
    body_free(&body);
    return read;
}

// Only POST has a different effect when it is repeated.
static bool idempotency_read(const struct exchange *exchange, struct envelope *envelope,
                             struct err *err)
{
    const struct http_request *http = exchange->http;
    struct str key = http_header(http, "idempotency-key");

    if (!route_takes_keys(exchange->match.route) || !str_present(key))
        return true;
    if (!idempotency_key_check(key, err))
        return false;
    envelope->idempotency_key = key;
    envelope->fingerprint = idempotency_fingerprint(
        http_method(http), http_path(http), http_query(http),
        str_present(exchange->body_digest) ? exchange->body_digest : body_text(exchange));
    return true;
}

// Reads the conditions of a conditional write.
static bool conditions_read(const struct exchange *exchange, struct envelope *envelope,
                            struct err *err)
{
    struct str match = http_header_lines(exchange->http, "if-match"),
               none_match = http_header_lines(exchange->http, "if-none-match");

    if (!exchange->match.route->conditional)
        return true;
    if ((str_present(match) && !condition_check("If-Match", match, err)) ||
        (str_present(none_match) && !condition_check("If-None-Match", none_match, err)))
        return false;
    envelope->if_match = match;
    envelope->if_none_match = none_match;
    return true;
}

// For the audit log: the address and the kind of credentials of the caller who makes the change.
static void source_write(struct exchange *exchange, struct envelope *envelope)
{
    uint8_t address[ADDRESS_BYTES];
    char text[ADDRESS_TEXT];

    access_address(exchange, address);
    envelope->credential = str_of(credential_name(exchange->credentials.kind));
    envelope->address = arena_copy(http_arena(exchange->http), address_text(address, text));
}

static void turn_away(struct exchange *exchange, enum err_code code, struct str text)
{
    upload_settle(exchange, code);
    answer_error(exchange, code, text);
}

static void ingress_send(struct exchange *exchange)
{
    const struct route *route = exchange->match.route;
    const struct message_type *type = message_type(route->message);
    // The call's deadline is multiplied by the factor, so the time that is spent is divided by it.
    int64_t spent_ms = (clock_monotonic_us() - exchange->ready_us) / 1000 /
                       exchange->gateway->config->deadline_factor;
    void *message;
    struct err err;

    proof_body(exchange, body_text(exchange));
    if (!message_read(exchange, type, &message, &err)) {
        turn_away(exchange, err.code, str_of(err.text));
        return;
    }
    struct envelope envelope = {
        .message = route->message,
        .principal = exchange->principal,
        .partition = route_partition(route, message),
        .operation = exchange->operation,
        .deadline_ms = spent_ms < route->deadline_ms ? route->deadline_ms - (uint32_t)spent_ms : 1,
        .traceparent = tracing_call_begin(exchange),
        .proof = exchange->proof,
    };
    if (route_is_audited(route))
        source_write(exchange, &envelope);
    if (!idempotency_read(exchange, &envelope, &err) ||
        !conditions_read(exchange, &envelope, &err)) {
        turn_away(exchange, err.code, str_of(err.text));
        return;
    }
    // A crash before the call leaves nothing behind. A crash after it may leave a committed message
    // whose client got no answer: the client repeats it, and the unique key makes it one message.
    if (failpoint("gateway.before_send")) {
        answer_error(exchange, ERR_UNAVAILABLE, STR("not sent"));
        return;
    }
    gateway_call(exchange->gateway, &envelope, message, ingress_replied, exchange);
    (void)failpoint("gateway.after_send");
}

static void ingress_replied(void *context, enum err_code code, struct str payload)
{
    tracing_call_end(context, code);
    if (code == ERR_OK || code == ERR_REPLAYED)
        upload_settle(context, code);
    if (code == ERR_OK)
        answer_data(context, payload);
    else if (code == ERR_REPLAYED)
        answer_replayed(context, payload);
    else
        turn_away(context, code, payload);
}
