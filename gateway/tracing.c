// tracing: see the header. A worker gets our span as its parent only if the whole trace is kept.
// Otherwise it gets the caller's, because our span may not be recorded.
#include "gateway/tracing.h"

#include "base/clock.h"
#include "io/http_server/http_server.h"
#include "telemetry/spans.h"

static bool given_read(const struct http_request *http, struct trace *trace)
{
    return trace_parse(http_header(http, "traceparent"), trace) ||
           trace_parse_b3(http_header(http, "b3"), trace) ||
           trace_parse_b3_headers(
               http_header(http, "x-b3-traceid"), http_header(http, "x-b3-spanid"),
               http_header(http, "x-b3-sampled"), http_header(http, "x-b3-flags"), trace);
}

static struct str text_of(const struct exchange *exchange, const struct trace *trace)
{
    return trace_text(trace, arena_alloc(http_arena(exchange->http), TRACE_PARENT_LENGTH));
}

void tracing_begin(struct exchange *exchange)
{
    struct random *random = exchange->gateway->random;
    struct trace given;

    if (given_read(exchange->http, &given)) {
        exchange->trace = trace_at(&given, trace_span_new(random));
        exchange->caller_span = given.span;
        exchange->traceparent = text_of(exchange, &given);
    } else {
        exchange->trace = trace_new(random);
        exchange->traceparent = text_of(exchange, &exchange->trace);
    }
}

static struct str parent_text(const struct exchange *exchange, uint64_t span)
{
    struct trace parent = trace_at(&exchange->trace, span);

    if (!spans_has(exchange->gateway->spans, &parent))
        return exchange->traceparent;
    parent.flags = TRACE_SAMPLED;
    return text_of(exchange, &parent);
}

struct str tracing_parent(const struct exchange *exchange)
{
    return parent_text(exchange, exchange->trace.span);
}

struct str tracing_call_begin(struct exchange *exchange)
{
    exchange->asked_us = clock_monotonic_us();
    exchange->bus_span = trace_span_new(exchange->gateway->random);
    return parent_text(exchange, exchange->bus_span);
}

void tracing_call_end(const struct exchange *exchange, enum err_code code)
{
    struct trace trace = trace_at(&exchange->trace, exchange->bus_span);
    const struct message_type *type = message_type(exchange->match.route->message);
    struct span *span = spans_add(exchange->gateway->spans, SPAN_BUS, &trace,
                                  err_http_status(code) >= 500, exchange->asked_us);

    if (!span)
        return;
    span->parent = exchange->trace.span;
    span_word(span, "nexus.message", type->name);
    span_word(span, "nexus.service", service_name(type->service));
    span_word(span, "nexus.code", err_name(code));
}

void tracing_end(const struct exchange *exchange, enum err_code code, int status)
{
    const struct route *route = exchange->match.route;
    // A negative health answer is not a failure.
    bool failed =
        err_http_status(code) >= 500 && !(route && route->credentials == CREDENTIALS_NONE);
    struct span *span = spans_add(exchange->gateway->spans, SPAN_HTTP_ACCEPT, &exchange->trace,
                                  failed, exchange->started_us);

    if (!span)
        return;
    span->parent = exchange->caller_span;
    if (route) {
        span_word(span, "http.request.method", str_of(route_verb(route)));
        span_word(span, "http.route", route->path);
    }
    span_int(span, "http.response.status_code", status);
    span_word(span, "nexus.code", err_name(code));
    span_int(span, "nexus.tenant", exchange->principal.tenant);
    span_id(span, "nexus.operation_id", exchange->operation);
}
