// health_detail: what /health/detail says, in the documented shape and with what waits behind it.
#include "health.h"

#include "answer.h"
#include "health_watch.h"

#include "base/clock.h"
#include "service/queues.h"

#include <malloc.h>

enum { QUEUES_SHOWN = 32 };

static void json_key_time(struct buf *out, const char *key, int64_t unix_us)
{
    json_key(out, key);
    buf_byte(out, '"');
    buf_time(out, unix_us);
    buf_byte(out, '"');
}

static void build_info(struct buf *out)
{
    json_key(out, "buildInfo");
    json_open(out, '{');
    json_key_str(out, "@genesys/nexus-admin-ux", STR("none"));
    json_key_str(out, "@genesys/nexus-ux", STR("none"));
    json_key_str(out, "version", STR(NEXUS_VERSION));
    json_key_str(out, "changeset", STR(NEXUS_REVISION));
    json_key_str(out, "timestamp", STR(NEXUS_REVISION_TIME));
    json_close(out, '}');
}

static void machine(struct buf *out)
{
    double load[3], up_s = 0;

    uv_loadavg(load);
    (void)uv_uptime(&up_s); // 0 says that the kernel did not tell
    json_key(out, "os");
    json_open(out, '{');
    json_key_int(out, "upTime", (int64_t)up_s);
    json_key_int(out, "freemem", (int64_t)uv_get_free_memory());
    json_key(out, "loadavg");
    json_open(out, '[');
    for (int i = 0; i < 3; i++)
        json_double(out, load[i]);
    json_close(out, ']');
    json_key_int(out, "totalmem", (int64_t)uv_get_total_memory());
    json_close(out, '}');
}

static void memory(struct buf *out)
{
    struct mallinfo2 heap = mallinfo2();
    size_t resident = 0;

    (void)uv_resident_set_memory(&resident);
    json_key(out, "memoryUsage");
    json_open(out, '{');
    json_key_int(out, "rss", (int64_t)resident);
    json_key_int(out, "heapTotal", (int64_t)(heap.arena + heap.hblkhd));
    json_key_int(out, "heapUsed", (int64_t)(heap.uordblks + heap.hblkhd));
    json_key_int(out, "external", (int64_t)heap.hblkhd);
    json_key_int(out, "arrayBuffers", 0);
    json_close(out, '}');
}

static void worker_list(struct buf *out, const struct bus_worker_view *workers, size_t count)
{
    json_key(out, "workers");
    json_open(out, '[');
    for (size_t i = 0; i < count; i++) {
        json_open(out, '{');
        json_key_str(out, "instance", workers[i].instance);
        json_key_str(out, "service", service_name(workers[i].service));
        json_key_bool(out, "db", workers[i].db_ready);
        json_key_bool(out, "draining", workers[i].draining);
        json_key_int(out, "load", workers[i].load);
        json_key_int(out, "silentMs", workers[i].silent_ms);
        json_close(out, '}');
    }
    json_close(out, ']');
}

// Our own, and what the workers told of theirs.
static void queue_list(struct buf *out, const struct metrics *own,
                       const struct bus_worker_view *workers, size_t worker_count)
{
    struct bus_queue queues[QUEUES_SHOWN];
    size_t count = queues_add_own(own, queues, 0, QUEUES_SHOWN);

    for (size_t i = 0; i < worker_count; i++)
        for (size_t j = 0; j < workers[i].queue_count; j++)
            count = queues_add(&workers[i].queues[j], queues, count, QUEUES_SHOWN);
    json_key(out, "queues");
    json_open(out, '[');
    for (size_t i = 0; i < count; i++) {
        json_open(out, '{');
        json_key_str(out, "name", str_of(queues[i].name));
        json_key_int(out, "depth", (int64_t)queues[i].depth);
        json_key_int(out, "oldestMs", (int64_t)queues[i].oldest_ms);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void reason_list(struct buf *out, const struct health_view *view)
{
    AUTO(buf) text = {0};

    json_key(out, "reasons");
    json_open(out, '[');
    for (size_t i = 0; i < view->reason_count; i++) {
        buf_clear(&text);
        health_reason_text(&view->reasons[i], &text);
        json_str(out, buf_str(&text));
    }
    json_close(out, ']');
    json_key(out, "causes");
    json_open(out, '[');
    for (size_t i = 0; i < view->reason_count; i++) {
        const struct health_reason_type *type = health_reason_type(view->reasons[i].id);
        json_open(out, '{');
        json_key_str(out, "code", type->code);
        json_key_str(out, "about", str_of(view->reasons[i].about));
        json_key_str(out, "remedy", type->remedy);
        json_close(out, '}');
    }
    json_close(out, ']');
}

// How each process died last, as its supervisor wrote it down.
static void death_list(struct buf *out, struct gateway *gateway)
{
    json_key(out, "deaths");
    json_open(out, '[');
    buf_str_append(out, health_watch_deaths(gateway->health_watch));
    json_close(out, ']');
}

static void dependencies(struct buf *out, const struct health_view *view)
{
    static const struct str cache_states[] = {[HEALTH_CACHE_READY] = STR_INIT("READY"),
                                              [HEALTH_CACHE_REFUSES] = STR_INIT("READ_ONLY"),
                                              [HEALTH_CACHE_AWAY] = STR_INIT("DOWN")};

    json_key(out, "cache");
    json_open(out, '{');
    json_key_bool(out, "ready", view->cache == HEALTH_CACHE_READY);
    json_key_str(out, "state", cache_states[view->cache]);
    json_close(out, '}');
    json_key(out, "db");
    json_open(out, '{');
    json_key_bool(out, "ready", view->database && !view->refused);
    json_close(out, '}');
}

void health_detail(struct exchange *exchange)
{
    static const struct str states[] = {[HEALTH_GREEN] = STR_INIT("green"),
                                        [HEALTH_YELLOW] = STR_INIT("yellow"),
                                        [HEALTH_RED] = STR_INIT("red")};
    struct gateway *gateway = exchange->gateway;
    struct buf *out = &gateway->text;
    struct bus_worker_view workers[HEALTH_WORKERS_SHOWN];
    size_t count;
    struct health_view view = health_view_now(gateway, workers, HEALTH_WORKERS_SHOWN, &count);
    enum health_state state = health_state_of(&view);

    (void)health_look(&gateway->health, &view, clock_monotonic_ms()); // it may be the first to look

    buf_clear(out);
    json_open(out, '{');
    build_info(out);
    json_key_time(out, "startTime", gateway->started_unix_us);
    machine(out);
    json_key_int(out, "upTime", (clock_unix_us() - gateway->started_unix_us) / 1000);
    memory(out);
    dependencies(out, &view);
    json_key_str(out, "state", states[state]);
    reason_list(out, &view);
    death_list(out, gateway);
    worker_list(out, workers, count);
    queue_list(out, gateway->metrics, workers, count);
    json_close(out, '}');
    answer_json(exchange, state == HEALTH_RED ? ERR_UNAVAILABLE : ERR_OK, buf_str(out));
}
