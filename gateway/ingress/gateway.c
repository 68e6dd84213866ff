// gateway: creates the parts, checks them once a second, and frees them in the opposite order.
#include "gateway/gateway.h"

#include "gateway/answer.h"
#include "gateway/bodies/large_body.h"
#include "gateway/events/events.h"
#include "gateway/health/agent_pages.h"
#include "gateway/health/health.h"
#include "gateway/health/health_watch.h"
#include "gateway/identity/login_guard.h"
#include "gateway/ingress/ingress.h"
#include "gateway/limits/shares.h"
#include "gateway/pages/pages.h"
#include "gateway/pipeline/pipeline.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "bus/gateway/bus_gateway.h"
#include "io/http_server/http_server.h"
#include "io/redis/redis.h"
#include "io/tcp/address.h"
#include "service/service.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <stdlib.h>

// Workers try to connect every half second (zmq_socket.c). WORKERS_COME_MS is multiplied by
// NEXUS_DEADLINE_FACTOR.
enum { TICK_MS = 1000, WORKERS_COME_MS = 3000 };

static void on_event(void *context, struct str topic, struct str payload)
{
    struct gateway *gateway = context;

    if (str_equal(topic, STR("identity"))) {
        principals_forget(gateway->principals, payload);
        if (gateway->events)
            events_check(gateway->events, payload);
    } else if (gateway->events) {
        events_hint(gateway->events, topic); // the event itself is read from PostgreSQL (events.h)
    }
}

// Without a provisioning-worker no change of permissions was reported.
static void on_worker(void *context, enum service_id service, size_t others)
{
    struct gateway *gateway = context;

    if (service == SERVICE_PROVISIONING && others == 0)
        principals_forget(gateway->principals, STR("*"));
}

static void on_redis_changed(void *context, bool ready)
{
    struct gateway *gateway = context;

    if (ready) {
        LOG_INFO("redis.ready");
        rates_connected(gateway->rates);
    } else {
        LOG_WARN("redis.lost");
    }
}

static void closed_publish(struct gateway *gateway, const char *reason, uint64_t total,
                           uint64_t *told)
{
    metric_add(metrics_series(gateway->metrics, METRIC_CONNECTIONS_CLOSED, reason), total - *told);
    *told = total;
}

static void on_tick(uv_timer_t *timer)
{
    struct gateway *gateway = CONTAINER_OF(timer, struct gateway, tick);
    struct http_server_counts counts = http_server_counts(gateway->server);

    metric_set(metrics_series(gateway->metrics, METRIC_CONNECTIONS, "open"),
               (double)counts.connections);
    metric_set(metrics_series(gateway->metrics, METRIC_CONNECTIONS, "streaming"),
               (double)gateway->streams);
    closed_publish(gateway, "address", counts.closed_address, &gateway->closed_published.address);
    closed_publish(gateway, "full", counts.closed_full, &gateway->closed_published.full);
    closed_publish(gateway, "refused", counts.refused_full, &gateway->closed_published.refused);
    closed_publish(gateway, "slow", counts.closed_slow, &gateway->closed_published.slow);
    metric_set(metrics_series(gateway->metrics, METRIC_HTTP_INFLIGHT), (double)gateway->exchanges);
    metric_set(metrics_series(gateway->metrics, METRIC_INFLIGHT, "accept"),
               (double)bus_gateway_in_flight(gateway->bus));
    redis_publish_metrics(gateway->redis);
    service_set_inflight(gateway->service, SERVICE_EXCHANGES, gateway->exchanges);
    service_set_inflight(gateway->service, SERVICE_REQUESTS, bus_gateway_in_flight(gateway->bus));
    service_set_inflight(gateway->service, SERVICE_COMMANDS, redis_in_flight(gateway->redis));
    rates_tick(gateway->rates);
    health_tick(gateway);
}

// The last connection is closed, and with it the last request.
static void on_drained(void *context)
{
    struct gateway *gateway = context;

    service_drained(gateway->service);
}

static bool drain_check(const struct gateway *gateway, struct err *err)
{
    return gateway->config->drain_delay_ms < service_drain_timeout_ms(gateway->service) ||
           err_set(err, ERR_BAD_INPUT,
                   "NEXUS_DRAIN_DELAY must be shorter than NEXUS_DRAIN_TIMEOUT, which counts from "
                   "the same moment");
}

static bool login_guard_make(struct gateway *gateway, struct err *err)
{
    const struct gateway_config *config = gateway->config;

    gateway->login_guard = login_guard_new(
        (struct login_limits){.of_address = (uint32_t)config->login_failures,
                              .of_prefix = (uint32_t)config->login_prefix_failures,
                              .of_open = (uint32_t)config->open_requests,
                              .window_s = (uint32_t)(config->login_window_ms / 1000)});
    gateway->trusted_proxies = address_ranges_parse(config->trusted_proxies, err);
    return gateway->trusted_proxies || err_in(err, "NEXUS_TRUSTED_PROXIES");
}

static bool parts_make(struct gateway *gateway, struct err *err)
{
    struct service *service = gateway->service;
    const struct gateway_config *config = gateway->config;
    AUTO(buf) host = {0};

    buf_str_append(&host, config->http_host);
    *err = (struct err){0};
    gateway->is_https = str_starts(config->public_url, STR("https:"));
    gateway->pages = pages_new(config->web_root, config->web_frame_ancestors, err);
    if (!gateway->pages && err->code != ERR_OK)
        return false;
    gateway->answer_metrics = answer_metrics_new(gateway->metrics);
    gateway->shares = shares_new(gateway->metrics);
    gateway->rates = rates_new(&gateway->redis, service_instance(service), gateway->metrics);
    if (!drain_check(gateway, err) || !health_detail_check(gateway, err) ||
        !login_guard_make(gateway, err))
        return false;
    gateway->redis = redis_new(service_loop(service),
                               &(struct redis_options){.url = config->redis_url,
                                                       .user = config->redis_user,
                                                       .password = config->redis_password,
                                                       .metrics = gateway->metrics,
                                                       .changed = on_redis_changed,
                                                       .context = gateway},
                               err);
    if (!gateway->redis)
        return false;
    // The port comes first: a second start with the same port ends here without touching anything
    // of the first. No connection is accepted before the loop runs.
    gateway->server =
        http_server_new(service_loop(service),
                        &(struct http_server_options){
                            .host = buf_c_string(&host),
                            .port = (int)config->http_port,
                            .body_limit = (size_t)config->http_body_limit,
                            .unread_over = LARGE_BODY_OVER,
                            .connections_limit = (size_t)config->http_connections,
                            .connections_of_address = (size_t)config->http_address_connections,
                            .trusted = gateway->trusted_proxies,
                            .handle = ingress_begin,
                            .drained = on_drained,
                            .render_error = answer_render_early,
                            .context = gateway,
                        },
                        err);
    if (!gateway->server)
        return false;
    gateway->bus =
        bus_gateway_new(service_loop(service), service_zmq(service),
                        &(struct bus_gateway_options){
                            .bind = config->bus_bind,
                            .instance = str_of(service_instance(service)),
                            .curve = service_curve(service),
                            .spares_the_living = true,
                            .keeps_to_itself = true,
                            .patience_ms = (uint32_t)(WORKERS_COME_MS * config->deadline_factor),
                            .deadline_factor = (uint32_t)config->deadline_factor,
                            .tenant_share = (unsigned)config->tenant_share,
                            .metrics = gateway->metrics,
                            .event = on_event,
                            .worker_came = on_worker,
                            .context = gateway},
                        err);
    if (!gateway->bus)
        return false;
    gateway->principals =
        principals_new(gateway->bus, (size_t)config->key_cache_entries, config->gws_token_cache_ms);
    principals_guard(gateway->principals, gateway->login_guard);
    gateway->events = events_new(gateway);
    gateway->agent_pages = agent_pages_new(service_loop(service));
    gateway->pipeline = pipeline_new(gateway);
    gateway->health_watch = health_watch_new(gateway);
    gateway->large_bodies = large_bodies_new(gateway);
    return true;
}

bool gateway_init(struct service *service, struct err *err)
{
    struct gateway *gateway = heap_new(sizeof *gateway);
    gateway->service = service;
    gateway->config = service_config(service);
    gateway->metrics = service_metrics(service);
    gateway->random = service_random(service);
    gateway->spans = service_spans(service);
    gateway->started_unix_us = clock_unix_us();
    gateway->health = health_new(clock_monotonic_ms());
    service_set_state(service, gateway);
    uv_timer_init(service_loop(service), &gateway->tick);
    if (!parts_make(gateway, err))
        return false;
    uv_timer_start(&gateway->tick, on_tick, TICK_MS, TICK_MS);
    LOG_INFO("gateway.listening", LOG_STR("host", gateway->config->http_host),
             LOG_INT("port", gateway->config->http_port),
             LOG_STR("bus", gateway->config->bus_bind));
    return true;
}

void gateway_exchange_ended(struct gateway *gateway)
{
    ASSERT(gateway->exchanges > 0);
    gateway->exchanges--;
}

void gateway_call(struct gateway *gateway, struct envelope *envelope, const void *message,
                  bus_reply_fn *reply, void *context)
{
    buf_clear(&gateway->payload);
    message_encode(message_type(envelope->message), message, &gateway->payload);
    bus_gateway_call(gateway->bus, envelope, buf_str(&gateway->payload), reply, context);
}

// Readiness is negative from here on. Connections are accepted until load balancers have had time
// to see that; then streams end (their readers resume at another gateway), and open requests are
// answered.
void gateway_drain(struct service *service)
{
    struct gateway *gateway = service_state(service);

    gateway->draining = true;
    http_server_drain(gateway->server, (uint64_t)gateway->config->drain_delay_ms);
}

static void on_tick_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct gateway, tick));
}

void gateway_done(struct service *service)
{
    struct gateway *gateway = service_state(service);

    if (!gateway)
        return;
    uv_timer_stop(&gateway->tick);   // closing the parts runs the loop, which uses them
    redis_close(&gateway->redis);    // requests that wait for it continue, to the bus
    bus_gateway_free(&gateway->bus); // answers requests that still wait
    large_bodies_free(&gateway->large_bodies);
    agent_pages_free(&gateway->agent_pages); // answers requests for the pipeline
    health_watch_free(&gateway->health_watch);
    pipeline_free(&gateway->pipeline);
    events_free(&gateway->events);
    http_server_free(&gateway->server);
    principals_free(&gateway->principals);
    pages_free(&gateway->pages);
    rates_free(&gateway->rates);
    shares_free(&gateway->shares);
    login_guard_free(&gateway->login_guard);
    address_ranges_free(&gateway->trusted_proxies);
    health_free(&gateway->health);
    answer_metrics_free(&gateway->answer_metrics);
    buf_release(&gateway->answer_body);
    buf_release(&gateway->payload);
    uv_close((uv_handle_t *)&gateway->tick, on_tick_closed);
}
