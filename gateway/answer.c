// answer: see the header. This file knows the form of answers, not the requests.
#include "gateway/answer.h"

#include "gateway/answer_body.h"
#include "gateway/etag.h"
#include "gateway/tracing.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "io/http_server/http_framing.h"
#include "io/http_server/http_server.h"
#include "process/failpoint.h"
#include "secrets/api_key.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <stdlib.h>

enum { NO_ROUTE = ROUTE_COUNT, RETRY_AFTER_MAX_S = 5 };

// Series are found at first use and kept.
struct answer_metrics {
    struct metrics *metrics;
    struct metric *requests, *errors;
    struct metric *answers[ROUTE_COUNT + 1][ERR_COUNT];
    struct metric *durations[ROUTE_COUNT + 1];
};

struct answer_metrics *answer_metrics_new(struct metrics *metrics)
{
    struct answer_metrics *all = heap_new(sizeof *all);
    all->metrics = metrics;
    all->requests = metrics_series(metrics, METRIC_REQUESTS);
    all->errors = metrics_series(metrics, METRIC_ERRORS);
    return all;
}

void answer_metrics_free(struct answer_metrics **metrics)
{
    free(*metrics);
    *metrics = NULL;
}

static const char *shed_reason(enum err_code code)
{
    return code == ERR_RATE_LIMITED  ? "rate"
           : code == ERR_BUSY        ? "busy"
           : code == ERR_UNAVAILABLE ? "unavailable"
                                     : NULL;
}

static int status_of(const struct route *route, enum err_code code)
{
    return code == ERR_OK && route ? route->status : err_http_status(code);
}

static void count(struct answer_metrics *all, const struct route *route, enum err_code code,
                  int64_t duration_us, const struct trace *trace)
{
    size_t id = route ? (size_t)route->id : NO_ROUTE;
    const char *name = route ? route->name : "none", *shed = shed_reason(code);

    if (!all->answers[id][code]) {
        char status[12];
        snprintf(status, sizeof status, "%d", status_of(route, code));
        all->answers[id][code] = metrics_series(all->metrics, METRIC_HTTP_REQUESTS, name,
                                                route ? route_verb(route) : "any", status);
    }
    if (!all->durations[id])
        all->durations[id] = metrics_series(all->metrics, METRIC_HTTP_DURATION, name);
    metric_add(all->requests, 1);
    metric_add(all->answers[id][code], 1);
    metric_observe_traced(all->durations[id], (double)duration_us / 1e6, trace);
    if (route && route->credentials == CREDENTIALS_NONE)
        return; // a negative health answer is neither an error nor a refused request
    if (err_http_status(code) >= 500)
        metric_add(all->errors, 1);
    if (shed)
        metric_add(metrics_series(all->metrics, METRIC_SHED, shed), 1);
}

static void record(const struct exchange *exchange, enum err_code code)
{
#define LOG_ANSWER                                                                                 \
    LOG_TRACE(&exchange->trace), LOG_TENANT(exchange->principal.tenant),                           \
        LOG_ID("operationId", exchange->operation),                                                \
        LOG_STR("route", str_of(route ? route->name : "none")), LOG_STR("code", err_name(code)),   \
        LOG_INT("micros", duration_us)
    const struct route *route = exchange->match.route;
    int64_t duration_us = clock_monotonic_us() - exchange->started_us;

    count(exchange->gateway->answer_metrics, route, code, duration_us, &exchange->trace);
    tracing_end(exchange, code, status_of(route, code));
    if (err_http_status(code) >= 500 && !(route && route->credentials == CREDENTIALS_NONE))
        LOG_WARN("http.failed", LOG_ANSWER);
    else
        LOG_DEBUG("http.answered", LOG_ANSWER);
#undef LOG_ANSWER
}

static long long seconds(int64_t ms)
{
    return (ms + 999) / 1000;
}

// Spreads retries over time.
static void retry_header(const struct exchange *exchange, enum err_code code,
                         struct http_answer *answer)
{
    long long wait_s = seconds(exchange->rate.wait_ms);
    uint64_t spread_s =
        wait_s > 0 && wait_s < RETRY_AFTER_MAX_S ? (uint64_t)wait_s + 1 : RETRY_AFTER_MAX_S;
    long long later_s = (long long)random_below(exchange->gateway->random, spread_s);

    if (err_is_retryable(code))
        http_answer_add(
            answer, "retry-after",
            arena_printf(http_arena(exchange->http), "%lld", (wait_s > 0 ? wait_s : 1) + later_s));
}

static void rate_headers(const struct exchange *exchange, struct http_answer *answer)
{
    const struct rate_policy *policy = &exchange->rate_policy;
    const struct rate_verdict *rate = &exchange->rate;
    struct arena *arena = http_arena(exchange->http);

    if (!policy->name)
        return;
    http_answer_add(
        answer, "ratelimit-policy",
        arena_printf(arena, "\"%s\";q=%u;w=%u", policy->name, policy->quota, policy->period_s));
    http_answer_add(answer, "ratelimit",
                    arena_printf(arena, "\"%s\";r=%u;t=%lld", policy->name, rate->left,
                                 seconds(rate->is_allowed ? rate->full_ms : rate->wait_ms)));
}

void answer_safe_headers(const struct gateway *gateway, struct http_answer *answer)
{
    if (!http_answer_has(answer, "cache-control"))
        http_answer_add(answer, "cache-control", STR("no-store"));
    if (!http_answer_has(answer, "x-content-type-options"))
        http_answer_add(answer, "x-content-type-options", STR("nosniff"));
    if (gateway->is_https)
        http_answer_add(answer, "strict-transport-security", STR("max-age=31536000"));
}

static void send_answer(struct exchange *exchange, enum err_code code, struct http_answer *answer)
{
    struct gateway *gateway = exchange->gateway;

    http_answer_add(answer, "traceparent", exchange->traceparent);
    rate_headers(exchange, answer);
    answer_safe_headers(gateway, answer);
    answer->close = http_is_spare(exchange->http);
    record(exchange, code);
    http_answer(exchange->http, answer); // frees the exchange
    gateway_exchange_ended(gateway);
}

static void data_answer(struct exchange *exchange, struct str data, bool is_replayed)
{
    const struct route *route = exchange->match.route;
    struct buf *body = &exchange->gateway->answer_body;
    char etag[ETAG_TEXT];

    if (failpoint("gateway.before_answer")) {
        answer_error(exchange, ERR_UNKNOWN_OUTCOME, STR("the answer was lost"));
        return;
    }
    buf_clear(body);
    body_render_data(body, route->envelope, data, exchange->operation);
    struct http_answer answer = {
        .status = route->status, .content_type = STR("application/json"), .body = buf_str(body)};
    if (is_replayed)
        http_answer_add(&answer, "idempotency-replayed", STR("true"));
    if (route->versioned) {
        etag_of(data, etag);
        http_answer_add(&answer, "etag", str_of(etag));
    }
    send_answer(exchange, ERR_OK, &answer);
}

void answer_data(struct exchange *exchange, struct str data)
{
    data_answer(exchange, data, false);
}

void answer_replayed(struct exchange *exchange, struct str data)
{
    data_answer(exchange, data, true);
}

void answer_json(struct exchange *exchange, enum err_code code, struct str json)
{
    struct http_answer answer = {
        .status = err_http_status(code), .content_type = STR("application/json"), .body = json};

    retry_header(exchange, code, &answer);
    send_answer(exchange, code, &answer);
}

void answer_page(struct exchange *exchange, struct http_answer *answer)
{
    send_answer(exchange, ERR_OK, answer);
}

void answer_is_stream(struct exchange *exchange)
{
    record(exchange, ERR_OK);
    gateway_exchange_ended(exchange->gateway);
}

// On a documented path errors keep the documented envelope, unless the caller accepts problem+json.
static bool wants_problem(const struct route *manner, struct str accept)
{
    const struct str problem = STR("application/problem+json");

    return !manner || !manner->documented ||
           (accept.len && memmem(accept.ptr, accept.len, problem.ptr, problem.len));
}

// The path without secrets: of an API key only its short id, of a link to an attachment nothing.
static struct str path_shown(struct str path)
{
    static const struct {
        struct str before;
        size_t shown;
    } secrets[] = {{STR_INIT("/apikeys/"), API_KEY_PREFIX_LENGTH},
                   {STR_INIT("/chat/v3/attachments/"), 0}};

    for (size_t i = 0; i < COUNT_OF(secrets); i++) {
        const char *found =
            path.len ? memmem(path.ptr, path.len, secrets[i].before.ptr, secrets[i].before.len)
                     : NULL;
        size_t limit =
            found ? (size_t)(found - path.ptr) + secrets[i].before.len + secrets[i].shown : 0;
        if (found && path.len > limit)
            path.len = limit;
    }
    return path;
}

static void error_render(const struct route *manner, struct str accept, struct str path,
                         enum err_code code, struct str text, struct id operation, struct buf *body,
                         struct str *content_type)
{
    bool problem = wants_problem(manner, accept);

    if (problem)
        body_render_problem(body, code, text, path_shown(path), operation);
    else
        body_render_error(body, manner->envelope, code, text, operation);
    *content_type = problem ? STR("application/problem+json") : STR("application/json");
}

// The headers of an error's answer.
static void error_headers(const struct exchange *exchange, enum err_code code,
                          struct http_answer *answer)
{
    const struct route *route = exchange->match.route;
    struct arena *arena = http_arena(exchange->http);
    char methods[ROUTE_ALLOW_LENGTH];

    retry_header(exchange, code, answer);
    if (err_http_status(code) == 401)
        http_answer_add(answer, "www-authenticate",
                        route && route->credentials == CREDENTIALS_BASIC
                            ? STR("Basic realm=\"nexus\"")
                            : STR("Bearer"));
    if (code == ERR_METHOD_NOT_ALLOWED)
        http_answer_add(answer, "allow",
                        arena_copy(arena, route_allow(exchange->match.allowed, methods)));
}

void answer_error(struct exchange *exchange, enum err_code code, struct str text)
{
    struct buf *body = &exchange->gateway->answer_body;
    struct http_answer answer = {.status = err_http_status(code)};

    ASSERT(code != ERR_OK);
    if (text.len == 0)
        text = err_title(code);
    buf_clear(body);
    error_render(exchange->match.manner, http_header(exchange->http, "accept"),
                 http_path(exchange->http), code, text, exchange->operation, body,
                 &answer.content_type);
    answer.body = buf_str(body);
    error_headers(exchange, code, &answer);
    send_answer(exchange, code, &answer);
}

void answer_render_early(void *context, const struct http_glance *asked, const struct err *err,
                         struct buf *body, struct str *content_type)
{
    struct gateway *gateway = context;
    struct route_match match;

    route_find(asked->method, asked->path, &match);
    error_render(match.manner, asked->accept, STR(""), err->code, str_of(err->text), id_new(), body,
                 content_type);
    count(gateway->answer_metrics, NULL, err->code, 0, NULL);
}
