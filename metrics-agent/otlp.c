// otlp: otlp_take() → batch_send() → answered() → batch_send(), …; all waiting uses one timer.
#include "metrics-agent/otlp.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/revision.h"
#include "io/http_client/http_client.h"
#include "io/tcp/address.h"
#include "metrics-agent/otlp_queue.h"
#include "service/service.h"
#include "telemetry/log.h"
#include "wire/json/codec_json.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    QUEUE_LIMIT = 4096,
    BATCH_LIMIT = 512,
    GATHER_MS = 1000,
    TIMEOUT_MS = 10 * 1000,
    RETRY_MIN_MS = 1000,
    RETRY_MAX_MS = 30 * 1000,
    GIVE_UP_MS = 5 * 60 * 1000,
    HEADERS_LIMIT = 16,
    HOST_LIMIT = 256
};

// The operator configures the address of the collector, so private addresses are allowed.
#define ANYWHERE "0.0.0.0/0,::/0"

struct otlp {
    struct service *service;
    struct arena *arena; // of url and headers
    struct str url;
    struct http_client_header headers[HEADERS_LIMIT];
    size_t header_count;
    struct otlp_source source;
    struct address_ranges *allow;
    struct http_client *client;
    struct otlp_queue *queue;
    uv_timer_t timer;
    struct buf batch; // until it is accepted or dropped
    size_t batch_count;
    int64_t batch_since_ms;
    unsigned batch_tries;
    bool in_flight, failing, closing;
    void (*drained)(void *context);
    void *drained_context;
};

static void batch_send(struct otlp *otlp);
static void answered(void *context, const struct http_client_answer *answer);

static void count(struct otlp *otlp, const char *outcome, size_t spans)
{
    if (spans > 0)
        metric_add(metrics_series(service_metrics(otlp->service), METRIC_SPANS_EXPORTED, outcome),
                   spans);
}

// ---- when a batch is sent

static void timer_expired(uv_timer_t *timer)
{
    batch_send(CONTAINER_OF(timer, struct otlp, timer));
}

static void wait_ms(struct otlp *otlp, int64_t wait)
{
    uv_timer_start(&otlp->timer, timer_expired, (uint64_t)wait, 0);
}

static void drained_check(struct otlp *otlp)
{
    if (!otlp->drained || otlp->in_flight || otlp->batch_count > 0 ||
        otlp_queue_count(otlp->queue) > 0)
        return;
    void (*drained)(void *) = otlp->drained;
    otlp->drained = NULL;
    uv_timer_stop(&otlp->timer);
    drained(otlp->drained_context);
}

// Called when no request is in flight and no batch is to be repeated.
static void next_batch_schedule(struct otlp *otlp)
{
    size_t waiting = otlp_queue_count(otlp->queue);

    if (waiting >= BATCH_LIMIT || (waiting > 0 && otlp->drained))
        batch_send(otlp);
    else if (waiting > 0 && !uv_is_active((uv_handle_t *)&otlp->timer))
        wait_ms(otlp, GATHER_MS);
    drained_check(otlp);
}

static void span_received(void *context, const struct span_origin *origin, const struct span *span)
{
    struct otlp *otlp = context;
    otlp_queue_put(otlp->queue, origin, span);
}

bool otlp_take(struct otlp *otlp, struct str frame, struct err *err)
{
    struct metrics *metrics = service_metrics(otlp->service);

    if (!span_frame_decode(frame, span_received, otlp, err))
        return false;
    metric_set_total(metrics_series(metrics, METRIC_SPANS_DROPPED, "agent"),
                     (double)otlp_queue_dropped(otlp->queue));
    if (!otlp->in_flight && otlp->batch_count == 0)
        next_batch_schedule(otlp);
    return true;
}

// ---- a batch

static void batch_send(struct otlp *otlp)
{
    if (otlp->batch_count == 0) {
        buf_clear(&otlp->batch);
        otlp->batch_count = otlp_queue_take(otlp->queue, BATCH_LIMIT, &otlp->source, &otlp->batch);
        otlp->batch_since_ms = clock_monotonic_ms();
        otlp->batch_tries = 0;
    }
    if (otlp->batch_count == 0)
        return;
    uv_timer_stop(&otlp->timer);
    otlp->in_flight = true;
    otlp->batch_tries++;
    http_client_post(otlp->client, otlp->url, otlp->headers, otlp->header_count,
                     buf_str(&otlp->batch), TIMEOUT_MS, answered, otlp);
}

// A collector that accepted only a part says so; the batch must not be sent again.
static size_t rejected_of(struct str body, size_t limit)
{
    struct arena *arena = arena_new();
    const struct json_view *view = NULL;
    int64_t rejected = 0;
    struct err err;

    if (json_parse(body, arena, &view, &err)) {
        view = json_member(json_member(view, "partialSuccess"), "rejectedSpans");
        // A 64-bit number should be a string, but some collectors write it as a number.
        if (!json_number(view, &rejected) && !str_to_int(json_text(view), 0, INT64_MAX, &rejected))
            rejected = 0;
    }
    arena_free(&arena);
    return rejected < 0 ? 0 : (uint64_t)rejected < limit ? (size_t)rejected : limit;
}

static bool is_worth_repeating(const struct http_client_answer *answer)
{
    switch (answer->outcome) {
    case HTTP_CLIENT_NOT_SENT:
    case HTTP_CLIENT_UNCERTAIN: return true; // a span that comes twice has the same id
    case HTTP_CLIENT_FORBIDDEN:
    case HTTP_CLIENT_WITHDRAWN: return false;
    case HTTP_CLIENT_ANSWERED: break;
    }
    return answer->status == 429 || answer->status == 502 || answer->status == 503 ||
           answer->status == 504;
}

// Logs the beginning and the end of a failure, not every attempt.
static void failing_is(struct otlp *otlp, bool failing, const struct http_client_answer *answer)
{
    if (failing && !otlp->failing)
        LOG_WARN("otlp.failing", LOG_INT("status", answer->status),
                 LOG_STR("why", str_of(answer->reason)));
    else if (!failing && otlp->failing)
        LOG_INFO("otlp.recovered");
    otlp->failing = failing;
}

static int64_t retry_delay_ms(struct otlp *otlp, const struct http_client_answer *answer)
{
    int64_t delay = RETRY_MIN_MS;

    if (answer->retry_after_s >= 0)
        return answer->retry_after_s < GIVE_UP_MS / 1000 ? answer->retry_after_s * 1000
                                                         : GIVE_UP_MS;
    for (unsigned i = 1; i < otlp->batch_tries && delay < RETRY_MAX_MS; i++)
        delay *= 2;
    return delay / 2 + (int64_t)random_below(service_random(otlp->service), (uint64_t)delay);
}

static void batch_over(struct otlp *otlp, const char *outcome, size_t spans)
{
    count(otlp, outcome, spans);
    otlp->batch_count = 0;
}

static void answered(void *context, const struct http_client_answer *answer)
{
    struct otlp *otlp = context;
    bool good = answer->outcome == HTTP_CLIENT_ANSWERED && answer->status / 100 == 2;

    otlp->in_flight = false;
    if (otlp->closing)
        return;
    failing_is(otlp, !good, answer);
    if (good) {
        size_t rejected = rejected_of(answer->body, otlp->batch_count);
        count(otlp, "rejected", rejected);
        batch_over(otlp, "accepted", otlp->batch_count - rejected);
    } else if (!is_worth_repeating(answer)) {
        batch_over(otlp, "rejected", otlp->batch_count);
    } else {
        int64_t delay_ms = retry_delay_ms(otlp, answer);
        if (!otlp->drained && clock_monotonic_ms() + delay_ms - otlp->batch_since_ms < GIVE_UP_MS) {
            wait_ms(otlp, delay_ms);
            return;
        }
        batch_over(otlp, "given_up", otlp->batch_count);
    }
    next_batch_schedule(otlp);
}

// ---- start and end

static bool headers_read(struct otlp *otlp, struct str text, struct err *err)
{
    struct str pair, name, value;

    otlp->headers[otlp->header_count++] =
        (struct http_client_header){STR("Content-Type"), STR("application/json")};
    while (text.len > 0) {
        AUTO(buf) decoded = {0};
        str_cut(text, ',', &pair, &text);
        bool is_pair = str_cut(pair, '=', &name, &value) && str_trim(name).len > 0 &&
                       buf_percent_decode(&decoded, str_trim(value), false);
        if (!is_pair || memchr(buf_str(&decoded).ptr, '\n', decoded.len) ||
            memchr(buf_str(&decoded).ptr, '\r', decoded.len))
            return err_set(err, ERR_BAD_INPUT, "NEXUS_OTLP_HEADERS must be name=value,name=value");
        if (otlp->header_count == HEADERS_LIMIT)
            return err_set(err, ERR_BAD_INPUT, "NEXUS_OTLP_HEADERS: at most %d", HEADERS_LIMIT - 1);
        otlp->headers[otlp->header_count++] = (struct http_client_header){
            arena_copy(otlp->arena, str_trim(name)), arena_copy(otlp->arena, buf_str(&decoded))};
    }
    return true;
}

static bool url_make(struct otlp *otlp, struct str endpoint, struct err *err)
{
    if (!str_starts(endpoint, STR("http://")) && !str_starts(endpoint, STR("https://")))
        return err_set(err, ERR_BAD_INPUT, "NEXUS_OTLP_ENDPOINT must be http://… or https://…");
    while (endpoint.len && endpoint.ptr[endpoint.len - 1] == '/')
        endpoint.len--;
    otlp->url = arena_printf(otlp->arena, "%.*s/v1/traces", STR_ARG(endpoint));
    return true;
}

static struct str host_name(struct arena *arena)
{
    char name[HOST_LIMIT] = "";

    return gethostname(name, sizeof name - 1) == 0 ? arena_copy(arena, str_of(name)) : STR("");
}

struct otlp *otlp_new(struct service *service, struct str endpoint, struct str headers,
                      struct err *err)
{
    struct otlp *otlp = heap_new(sizeof *otlp);
    otlp->service = service;
    otlp->arena = arena_new();
    otlp->queue = otlp_queue_new(QUEUE_LIMIT);
    otlp->source =
        (struct otlp_source){.host = host_name(otlp->arena), .version = str_of(revision)};
    uv_timer_init(service_loop(service), &otlp->timer);
    otlp->allow = address_ranges_parse(STR(ANYWHERE), err);
    if (!otlp->allow || !url_make(otlp, endpoint, err) || !headers_read(otlp, headers, err)) {
        otlp_free(&otlp);
        return NULL;
    }
    otlp->client = http_client_new(
        service_loop(service), &(struct http_client_options){.allow = otlp->allow,
                                                             .connections_limit = 1,
                                                             .connections_per_host = 1,
                                                             .user_agent = revision_user_agent});
    return otlp;
}

void otlp_drain(struct otlp *otlp, void (*done)(void *context), void *context)
{
    otlp->drained = done;
    otlp->drained_context = context;
    if (!otlp->in_flight && otlp->batch_count > 0)
        batch_send(otlp); // the last time
    else if (!otlp->in_flight)
        next_batch_schedule(otlp);
}

static void timer_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF((uv_timer_t *)handle, struct otlp, timer));
}

void otlp_free(struct otlp **handle)
{
    struct otlp *otlp = *handle;

    if (!otlp)
        return;
    *handle = NULL;
    otlp->closing = true;
    if (otlp->client) {
        http_client_abort_all(otlp->client);
        http_client_free(&otlp->client);
    }
    otlp_queue_free(&otlp->queue);
    address_ranges_free(&otlp->allow);
    buf_release(&otlp->batch);
    arena_free(&otlp->arena);
    uv_close((uv_handle_t *)&otlp->timer, timer_closed);
}
