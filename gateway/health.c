// health: the decisions and the probes. What detail says is put together in health_detail.c.
#include "health.h"

#include "answer.h"

#include "base/clock.h"
#include "io/redis.h"

// ---- the deciding part

struct health_view health_view_of(const struct bus_worker_view *workers, size_t count, bool cache,
                                  bool draining)
{
    struct health_view view = {.cache = cache, .draining = draining};

    for (size_t i = 0; i < count; i++) {
        if (!workers[i].db_ready)
            continue;
        view.database = true;
        if (!workers[i].draining && workers[i].service < SERVICE_COUNT)
            view.can_write[workers[i].service] = true;
    }
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
    size_t writing = services_writing(view);

    if (writing == 0)
        return HEALTH_RED;
    return writing == SERVICE_COUNT && view->cache && !view->draining ? HEALTH_GREEN
                                                                      : HEALTH_YELLOW;
}

bool health_look(struct health *health, const struct health_view *view, int64_t now_ms)
{
    size_t writing = services_writing(view);

    if (writing == SERVICE_COUNT || now_ms - health->started_ms >= HEALTH_SETTLE_MS)
        health->settled = true;
    bool is_ready = health->settled && writing > 0 && !view->draining;
    if (is_ready)
        health->was_ready = true;
    return is_ready;
}

size_t health_reasons(const struct health_view *view, struct str reasons[HEALTH_REASONS_LIMIT])
{
    static const struct str idle[] = {
#define X(id, name) [SERVICE_##id] = STR_INIT("no " name " takes requests"),
        SERVICES(X)
#undef X
    };
    size_t count = 0;

    if (!view->database)
        reasons[count++] = STR("no worker reaches PostgreSQL");
    for (size_t i = 0; i < SERVICE_COUNT && view->database; i++)
        if (!view->can_write[i])
            reasons[count++] = idle[i];
    if (!view->cache)
        reasons[count++] = STR("Redis does not answer");
    if (view->draining)
        reasons[count++] = STR("this gateway drains");
    return count;
}

// ---- probes

static bool is_ready_now(struct gateway *gateway)
{
    struct bus_worker_view workers[HEALTH_WORKERS_SHOWN];
    size_t count = bus_gateway_workers(gateway->bus, workers, HEALTH_WORKERS_SHOWN);
    struct health_view view =
        health_view_of(workers, count, redis_ready(gateway->redis), gateway->draining);

    return health_look(&gateway->health, &view, clock_monotonic_ms());
}

void health_tick(struct gateway *gateway)
{
    (void)is_ready_now(gateway);
}

bool health_is_probe(const struct route *route)
{
    return route->open == health_live || route->open == health_startup ||
           route->open == health_ready;
}

void health_live(struct exchange *exchange)
{
    answer_json(exchange, ERR_OK, STR("{\"live\":true}"));
}

void health_startup(struct exchange *exchange)
{
    struct gateway *gateway = exchange->gateway;

    health_tick(gateway);
    answer_json(exchange, gateway->health.was_ready ? ERR_OK : ERR_UNAVAILABLE,
                gateway->health.was_ready ? STR("{\"started\":true}") : STR("{\"started\":false}"));
}

void health_ready(struct exchange *exchange)
{
    bool is_ready = is_ready_now(exchange->gateway);

    answer_json(exchange, is_ready ? ERR_OK : ERR_UNAVAILABLE,
                is_ready ? STR("{\"ready\":true}") : STR("{\"ready\":false}"));
}
