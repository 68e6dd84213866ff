// health: the decisions and the probes. health_detail.c writes the answer of detail.
#include "gateway/health/health.h"

#include "gateway/answer.h"
#include "gateway/health/health_watch.h"

#include "base/clock.h"
#include "base/heap.h"
#include "io/redis/redis.h"
#include "service/service.h"

#include <stdlib.h>

// ---- the deciding part

static void reason_add(struct health_view *view, const struct health_reason *reason)
{
    for (size_t i = 0; i < view->reason_count; i++)
        if (view->reasons[i].id == reason->id && strcmp(view->reasons[i].about, reason->about) == 0)
            return; // another worker reports it too
    if (view->reason_count < HEALTH_VIEW_REASONS)
        view->reasons[view->reason_count++] = *reason;
}

static void say(struct health_view *view, enum health_reason_id id, const char *about)
{
    struct health_reason reason = {.id = id};

    snprintf(reason.about, sizeof reason.about, "%s", about);
    reason_add(view, &reason);
}

static void say_of(struct health_view *view, enum health_reason_id id, struct str whom)
{
    struct health_reason reason = {.id = id};

    if (whom.len > 0)
        memcpy(reason.about, whom.ptr,
               whom.len < HEALTH_ABOUT_LIMIT ? whom.len : HEALTH_ABOUT_LIMIT);
    reason_add(view, &reason);
}

static enum health_weight worst(const struct health_reasons *reasons)
{
    enum health_weight weight = HEALTH_WEIGHT_YELLOW;

    for (size_t i = 0; i < reasons->count; i++)
        if (health_reason_type(reasons->list[i].id)->weight > weight)
            weight = health_reason_type(reasons->list[i].id)->weight;
    return weight;
}

// Notes of a worker whether it reaches PostgreSQL, takes requests and commits.
static void worker_look(struct health_view *view, const struct bus_worker_view *worker,
                        bool takes_requests[SERVICE_COUNT])
{
    enum health_weight weight = worst(&worker->reasons);
    bool serves = !worker->draining && worker->service < SERVICE_COUNT;

    view->refused |= weight == HEALTH_WEIGHT_RED;
    if (!worker->db_ready)
        return;
    if (serves)
        takes_requests[worker->service] = true;
    if (weight > HEALTH_WEIGHT_YELLOW)
        return;
    view->database = true;
    if (serves)
        view->can_write[worker->service] = true;
}

static void workers_say(struct health_view *view, const struct bus_worker_view *workers,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < workers[i].reasons.count; j++)
            reason_add(view, &workers[i].reasons.list[j]);
}

struct health_view health_view_of(const struct bus_worker_view *workers, size_t count,
                                  const struct health_facts *facts)
{
    struct health_view view = {.cache = facts->cache, .draining = facts->draining};
    bool takes_requests[SERVICE_COUNT] = {false}, is_known = false;

    for (size_t i = 0; i < count; i++)
        worker_look(&view, &workers[i], takes_requests);
    workers_say(&view, workers, count);
    for (size_t i = 0; i < SERVICE_COUNT; i++)
        view.stuck |= takes_requests[i] && !view.can_write[i];
    for (size_t i = 0; i < view.reason_count; i++)
        is_known |= health_reason_type(view.reasons[i].id)->weight > HEALTH_WEIGHT_YELLOW;
    if (!view.database && !is_known)
        say(&view, HEALTH_DB_AWAY, "");
    for (size_t i = 0; i < SERVICE_COUNT && view.database; i++)
        if (!takes_requests[i])
            say(&view, HEALTH_SERVICE_MISSING, service_name((enum service_id)i).ptr);
    for (size_t i = 0; i < count && view.database; i++)
        if (!workers[i].db_ready && !workers[i].draining)
            say_of(&view, HEALTH_DB_UNREACHED, workers[i].instance);
    if (facts->cache == HEALTH_CACHE_AWAY)
        say(&view, HEALTH_CACHE_DOWN, "");
    if (facts->cache == HEALTH_CACHE_REFUSES)
        say(&view, HEALTH_CACHE_READ_ONLY, "");
    if (facts->draining)
        say(&view, HEALTH_GATEWAY_DRAINS, "");
    for (size_t i = 0; i < facts->other_count; i++)
        reason_add(&view, &facts->others[i]);
    return view;
}

static size_t services_writing(const struct health_view *view)
{
    size_t count = 0;

    for (size_t i = 0; i < SERVICE_COUNT; i++)
        count += view->can_write[i];
    return count;
}

enum health_state health_state_of(const struct health_view *view)
{
    if (services_writing(view) == 0 || view->refused || view->stuck)
        return HEALTH_RED;
    return view->reason_count > 0 ? HEALTH_YELLOW : HEALTH_GREEN;
}

struct health *health_new(int64_t started_ms)
{
    struct health *health = heap_new(sizeof *health);
    health->started_ms = started_ms;
    return health;
}

void health_free(struct health **health)
{
    free(*health);
    *health = NULL;
}

bool health_look(struct health *health, const struct health_view *view, int64_t now_ms)
{
    size_t writing = services_writing(view);

    if (writing == SERVICE_COUNT || now_ms - health->started_ms >= HEALTH_SETTLE_MS)
        health->settled = true;
    bool is_ready = health->settled && writing > 0 && !view->refused && !view->draining;
    if (is_ready)
        health->was_ready = true;
    return is_ready;
}

// ---- probes

static enum health_cache cache_now(const struct redis *redis)
{
    return redis_ready(redis)            ? HEALTH_CACHE_READY
           : redis_refuses_writes(redis) ? HEALTH_CACHE_REFUSES
                                         : HEALTH_CACHE_AWAY;
}

struct health_view health_view_now(struct gateway *gateway, struct bus_worker_view *workers,
                                   size_t limit, size_t *count)
{
    const struct health_reasons *own = service_reasons(gateway->service);
    const struct health_watched *found = health_watch_found(gateway->health_watch);
    struct health_reason others[HEALTH_REASONS_LIMIT + HEALTH_WATCHED_LIMIT + 1];
    size_t other_count = 0;

    for (size_t i = 0; i < own->count; i++)
        others[other_count++] = own->list[i];
    for (size_t i = 0; i < found->count; i++)
        others[other_count++] = found->list[i];
    if (bus_gateway_has_refused(gateway->bus))
        others[other_count++] = (struct health_reason){.id = HEALTH_BUS_REFUSED, .about = "bus"};
    *count = bus_gateway_workers(gateway->bus, workers, limit);
    return health_view_of(workers, *count,
                          &(struct health_facts){.cache = cache_now(gateway->redis),
                                                 .draining = gateway->draining,
                                                 .others = others,
                                                 .other_count = other_count});
}

static bool is_ready_now(struct gateway *gateway)
{
    struct bus_worker_view workers[HEALTH_WORKERS_SHOWN];
    size_t count;
    struct health_view view = health_view_now(gateway, workers, HEALTH_WORKERS_SHOWN, &count);

    return health_look(gateway->health, &view, clock_monotonic_ms());
}

// 1 for each kind of reason that applies now, 0 for the others.
static void reasons_publish(struct gateway *gateway, const struct health_view *view)
{
    for (size_t id = 0; id < HEALTH_REASON_COUNT; id++) {
        bool is_there = false;
        for (size_t i = 0; i < view->reason_count; i++)
            is_there |= view->reasons[i].id == (enum health_reason_id)id;
        metric_set(metrics_series(gateway->metrics, METRIC_HEALTH_REASON,
                                  health_reason_type((enum health_reason_id)id)->code.ptr),
                   is_there);
    }
}

void health_tick(struct gateway *gateway)
{
    struct bus_worker_view workers[HEALTH_WORKERS_SHOWN];
    size_t count;

    health_watch_tick(gateway->health_watch);
    struct health_view view = health_view_now(gateway, workers, HEALTH_WORKERS_SHOWN, &count);
    (void)health_look(gateway->health, &view, clock_monotonic_ms());
    reasons_publish(gateway, &view);
}

bool health_is_probe(const struct route *route)
{
    return route->id == ROUTE_HEALTH_LIVE || route->id == ROUTE_HEALTH_STARTUP ||
           route->id == ROUTE_HEALTH_READY;
}

void health_live(struct exchange *exchange)
{
    answer_json(exchange, ERR_OK, STR("{\"live\":true}"));
}

void health_startup(struct exchange *exchange)
{
    struct gateway *gateway = exchange->gateway;

    (void)is_ready_now(gateway);
    answer_json(exchange, gateway->health->was_ready ? ERR_OK : ERR_UNAVAILABLE,
                gateway->health->was_ready ? STR("{\"started\":true}")
                                           : STR("{\"started\":false}"));
}

void health_ready(struct exchange *exchange)
{
    bool is_ready = is_ready_now(exchange->gateway);

    answer_json(exchange, is_ready ? ERR_OK : ERR_UNAVAILABLE,
                is_ready ? STR("{\"ready\":true}") : STR("{\"ready\":false}"));
}
