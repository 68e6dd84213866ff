// ingress: the straight path of a request, top to bottom: route → who asks → may they → message →
// bus → answer. Each step that cannot go on answers and ends the exchange.
#include "ingress.h"

#include "answer.h"
#include "client_address.h"
#include "etag.h"
#include "idempotency_key.h"
#include "large_body.h"
#include "login_guard.h"
#include "proof.h"
#include "tracing.h"
#include "upload.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "bus/bus_gateway.h"
#include "io/http_server.h"
#include "wire/codec_json.h"
#include "wire/envelope.h"

enum { QUERY_PARAMETERS = 64 };

static void ingress_known(void *context, struct caller *caller, const struct err *err);
static void ingress_replied(void *context, enum err_code code, struct str payload);

void ingress_address(const struct exchange *exchange, uint8_t address[static ADDRESS_BYTES])
{
    client_address_find(http_peer(exchange->http),
                        http_header_lines(exchange->http, "x-forwarded-for"),
                        exchange->gateway->trusted_proxies, address);
}

static void address_asked(void *context, uint8_t address[static ADDRESS_BYTES])
{
    ingress_address(context, address);
}

// To whoever asks; where that makes work for others, an address asks only so often.
static void ingress_open(struct exchange *exchange)
{
    struct login_guard *guard = exchange->gateway->login_guard;
    struct login_limits limits = login_guard_limits(guard);
    uint8_t address[ADDRESS_BYTES];

    ingress_address(exchange, address);
    if (!exchange->match.route->metered ||
        login_guard_lets_in(guard, address, clock_monotonic_ms(), &exchange->rate.wait_ms)) {
        exchange->match.route->open(exchange);
        return;
    }
    exchange->rate_policy = (struct rate_policy){"open", limits.of_open, limits.window_s};
    answer_error(exchange, ERR_RATE_LIMITED, STR("too many requests from this address"));
}

void ingress_begin(void *context, struct http_request *request)
{
    struct gateway *gateway = context;
    struct arena *arena = http_arena(request);
    struct exchange *exchange = ARENA_ALLOC(arena, struct exchange);
    struct err err;

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
    else if (!credentials_read(request, route->credentials, gateway->is_https, arena,
                               &exchange->credentials, &err))
        answer_err(exchange, &err);
    else {
        if (route->tenants == TENANTS_NAMED) {
            exchange->ccid = exchange->credentials.ccid;
            exchange->credentials.ccid = STR("");
        }
        exchange->wait.done = ingress_known;
        exchange->wait.address = address_asked;
        exchange->wait.context = exchange;
        exchange->wait.traceparent = tracing_onward(exchange);
        principals_find(gateway->principals, &exchange->credentials, &exchange->wait);
    }
}

static bool same_id(struct str a, struct str b)
{
    struct id one, other;

    return id_parse(a, &one) && id_parse(b, &other) && id_equal(one, other);
}

// Does x-ccid fit a route whose path or body names the contact center?
static bool ccid_fits(const struct exchange *exchange, const struct caller *caller, struct err *err)
{
    struct str named = route_parameter(&exchange->match, STR("ccid"));

    if (exchange->ccid.len == 0) {
        if (caller->principal.tenant == 0 && caller->principal.key != 0)
            return err_set(err, ERR_BAD_INPUT,
                           "x-ccid: a cluster key must name the contact center");
        return true;
    }
    if (named.len)
        return same_id(exchange->ccid, named) ||
               err_set(err, ERR_BAD_INPUT, "x-ccid: another contact center than that of the path");
    return caller->principal.tenant == 0 || same_id(exchange->ccid, caller->ccid) ||
           err_set(err, ERR_UNKNOWN_KEY, "the key is not for this contact center");
}

// Whoever has logged in knows of accounts; whoever calls with a key or a token is told which permissions would do.
static bool refuse(const struct exchange *exchange, const struct caller *caller,
                   enum permission wanted, struct err *err)
{
    if (exchange->credentials.kind != CREDENTIAL_SESSION)
        return err_set(err, ERR_FORBIDDEN, "%s has none of the permissions that allow this: %s",
                       caller->principal.key ? "this key" : "this user", permission_enough(wanted));
    if (wanted == PERMISSION_AGENT || wanted == PERMISSION_INBOUND)
        return err_set(err, ERR_FORBIDDEN, "this account lacks the permission for this");
    return err_set(err, ERR_FORBIDDEN, "this account is not an administrator's");
}

static bool may(struct exchange *exchange, const struct caller *caller, struct err *err)
{
    const struct route *route = exchange->match.route;

    if (exchange->credentials.lacks_csrf)
        return err_set(err, ERR_FORBIDDEN,
                       "x-csrf-token: this header is needed where a cookie says who asks");
    if (!(caller->permissions & 1U << route->permission))
        return refuse(exchange, caller, route->permission, err);
    if (route->tenants == TENANTS_NAMED && !ccid_fits(exchange, caller, err))
        return false;
    if (caller->principal.tenant != 0 && route->tenants == TENANTS_PLATFORM)
        return err_set(err, ERR_FORBIDDEN, "only for who acts for all contact centers");
    if (caller->principal.tenant == 0 && route->tenants == TENANTS_ONE)
        return err_set(err, ERR_BAD_INPUT,
                       "x-ccid: whoever acts for all contact centers must name one");
    return true;
}

static void ingress_go(struct exchange *exchange)
{
    if (exchange->match.route->open)
        exchange->match.route->open(exchange);
    else if (large_body_is(exchange))
        large_body_take(exchange);
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

void ingress_refuse(struct exchange *exchange, const struct principal_wait *wait,
                    const struct err *err)
{
    struct login_limits limits = login_guard_limits(exchange->gateway->login_guard);

    if (err->code == ERR_RATE_LIMITED) {
        exchange->rate_policy = (struct rate_policy){"login", limits.of_address, limits.window_s};
        exchange->rate.wait_ms = wait->retry_ms;
    }
    answer_err(exchange, err);
}

static void ingress_known(void *context, struct caller *caller, const struct err *err)
{
    struct exchange *exchange = context;
    struct err refusal;

    if (!caller) {
        ingress_refuse(exchange, &exchange->wait, err);
    } else if (!may(exchange, caller, &refusal)) {
        answer_err(exchange, &refusal);
    } else {
        // The cache may drop the caller while the request is parked.
        exchange->principal = caller->principal;
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

static void ingress_known_again(void *context, struct caller *caller, const struct err *err)
{
    struct exchange *exchange = context;
    struct err refusal;

    if (caller && caller->principal.tenant != exchange->principal.tenant) {
        err_set(&refusal, ERR_UNKNOWN_KEY, "the right to send this has ended");
        err = &refusal;
    } else if (caller && !may(exchange, caller, &refusal)) {
        err = &refusal;
    } else if (caller && !exchange->gateway->bus) {
        err_set(&refusal, ERR_UNAVAILABLE, "the gateway is stopping");
        err = &refusal;
    }
    exchange->known_again(exchange->known_context, err);
}

void ingress_ask_again(struct exchange *exchange,
                       void (*done)(void *context, const struct err *err), void *context)
{
    exchange->known_again = done;
    exchange->known_context = context;
    exchange->wait = (struct principal_wait){.done = ingress_known_again,
                                             .context = exchange,
                                             .is_let_in = true,
                                             .traceparent = exchange->wait.traceparent};
    principals_find(exchange->gateway->principals, &exchange->credentials, &exchange->wait);
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
    struct buf *text = &exchange->gateway->text;
    const struct route_match *match = &exchange->match;
    struct str query = http_query(exchange->http), pair, name, value;
    struct id named;

    if (match->route->lenient)
        body_set_query(body, query, type);
    for (size_t i = 0; i < match->parameter_count; i++) {
        buf_clear(text);
        if (!buf_percent_decode(text, match->parameters[i].value, false))
            return err_set(err, ERR_BAD_REQUEST, "the path cannot be read");
        body_set(body, match->parameters[i].name, buf_str(text));
    }
    for (int count = 0; query.len && !match->route->lenient; count++) {
        str_cut(query, '&', &pair, &query);
        str_cut(pair, '=', &name, &value);
        buf_clear(text);
        if (count >= QUERY_PARAMETERS || !buf_percent_decode(text, name, true))
            return err_set(err, ERR_BAD_REQUEST, "the query cannot be read");
        size_t name_length = text->len;
        if (!buf_percent_decode(text, str_present(value) ? value : STR(""), true))
            return err_set(err, ERR_BAD_REQUEST, "the query cannot be read");
        name = str_make(text->data, name_length);
        value = str_skip(buf_str(text), name_length);
        if (str_equal(name, STR("operationId"))) {
            if (!id_parse(value, &named) || id_is_none(named))
                return err_set(err, ERR_BAD_INPUT, "operationId is not a UUID");
            exchange->operation = named;
        } else if (!body_set_once(body, name, value)) {
            return err_set(err, ERR_BAD_INPUT, "%.*s: given twice, with different values",
                           (int)(name.len < 64 ? name.len : 64), name.ptr);
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

// Only what POST does is not the same when it is done twice.
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

// What is written only as long as nobody else changed it.
static bool conditions_read(const struct exchange *exchange, struct envelope *envelope,
                            struct err *err)
{
    struct str match = http_header_lines(exchange->http, "if-match"),
               none_match = http_header_lines(exchange->http, "if-none-match");

    if (!route_takes_conditions(exchange->match.route))
        return true;
    if ((str_present(match) && !condition_check("If-Match", match, err)) ||
        (str_present(none_match) && !condition_check("If-None-Match", none_match, err)))
        return false;
    envelope->if_match = match;
    envelope->if_none_match = none_match;
    return true;
}

// From where, and with what, somebody changes something; who it is the principal says.
static void source_write(struct exchange *exchange, struct envelope *envelope)
{
    uint8_t address[ADDRESS_BYTES];
    char text[ADDRESS_TEXT];

    ingress_address(exchange, address);
    envelope->credential = str_of(credential_name(exchange->credentials.kind));
    envelope->address = arena_copy(http_arena(exchange->http), address_text(address, text));
}

static void turn_away(struct exchange *exchange, enum err_code code, struct str text)
{
    upload_settle(exchange, code);
    answer_error(exchange, code, text);
}

void ingress_send(struct exchange *exchange)
{
    struct gateway *gateway = exchange->gateway;
    const struct route *route = exchange->match.route;
    const struct message_type *type = message_type(route->message);
    int64_t spent_ms = (clock_monotonic_us() - exchange->ready_us) / 1000;
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
        .traceparent = tracing_asked(exchange),
        .proof = exchange->proof,
    };
    if (route_is_audited(route))
        source_write(exchange, &envelope);
    if (!idempotency_read(exchange, &envelope, &err) ||
        !conditions_read(exchange, &envelope, &err)) {
        turn_away(exchange, err.code, str_of(err.text));
        return;
    }
    buf_clear(&gateway->payload);
    message_encode(type, message, &gateway->payload);

    // Dying before the call leaves nothing behind. Dying after it may leave a committed message
    // whose client heard nothing: it repeats, and the unique key makes that one message.
    if (failpoint("gateway.before_send")) {
        answer_error(exchange, ERR_UNAVAILABLE, STR("not sent"));
        return;
    }
    bus_gateway_call(gateway->bus, &envelope, buf_str(&gateway->payload), ingress_replied,
                     exchange);
    (void)failpoint("gateway.after_send");
}

static void ingress_replied(void *context, enum err_code code, struct str payload)
{
    tracing_replied(context, code);
    if (code == ERR_OK || code == ERR_REPLAYED)
        upload_settle(context, code);
    if (code == ERR_OK)
        answer_data(context, payload);
    else if (code == ERR_REPLAYED)
        answer_replayed(context, payload);
    else
        turn_away(context, code, payload);
}
