// health_detail: the answer of /health/detail, in the documented shape. Operators (by key, token or
// session) and callers on this machine also see the reasons, the workers and the queues. All others
// see only the documented part.
#include "gateway/health/health.h"

#include "gateway/access.h"
#include "gateway/answer.h"
#include "gateway/health/health_watch.h"
#include "gateway/identity/client_address.h"

#include "base/clock.h"
#include "base/revision.h"
#include "io/http_server/http_server.h"
#include "service/stats/queues.h"

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
    json_key_str(out, "changeset", str_of(revision));
    json_key_str(out, "timestamp", str_of(revision_time));
    json_close(out, '}');
}

static void machine(struct buf *out)
{
    double load[3], up_s = 0;

    uv_loadavg(load);
    (void)uv_uptime(&up_s); // 0 means that the kernel did not report it
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

// Our own, and those that the workers reported.
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

// How each process died last, as its supervisor recorded it.
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

static void detail_write(struct exchange *exchange, bool is_full)
{
    static const struct str states[] = {[HEALTH_GREEN] = STR_INIT("green"),
                                        [HEALTH_YELLOW] = STR_INIT("yellow"),
                                        [HEALTH_RED] = STR_INIT("red")};
    struct gateway *gateway = exchange->gateway;
    AUTO(buf) text = {0};
    struct buf *out = &text;
    struct bus_worker_view workers[HEALTH_WORKERS_SHOWN];
    size_t count;
    struct health_view view = health_view_now(gateway, workers, HEALTH_WORKERS_SHOWN, &count);
    enum health_state state = health_state_of(&view);

    (void)health_look(gateway->health, &view, clock_monotonic_ms()); // it may be the first reader

    json_open(out, '{');
    build_info(out);
    json_key_time(out, "startTime", gateway->started_unix_us);
    machine(out);
    json_key_int(out, "upTime", (clock_unix_us() - gateway->started_unix_us) / 1000);
    memory(out);
    dependencies(out, &view);
    json_key_str(out, "state", states[state]);
    if (is_full) {
        reason_list(out, &view);
        death_list(out, gateway);
        worker_list(out, workers, count);
        queue_list(out, gateway->metrics, workers, count);
    }
    json_close(out, '}');
    answer_json(exchange, state == HEALTH_RED ? ERR_UNAVAILABLE : ERR_OK, buf_str(out));
}

// A proxy on this machine that is not in the list of trusted proxies makes remote callers look
// local. It adds a header that local callers do not send, so a request with it does not count as
// local.
static bool is_from_here(const struct exchange *exchange)
{
    static const uint8_t v6[ADDRESS_BYTES] = {[ADDRESS_BYTES - 1] = 1};
    enum { V4_FIRST = 12, LOOPBACK = 127 };
    const struct gateway *gateway = exchange->gateway;
    struct str forwarded = http_header_lines(exchange->http, "x-forwarded-for");
    uint8_t peer[ADDRESS_BYTES], client[ADDRESS_BYTES];

    client_address_find(http_peer(exchange->http), STR_ABSENT, NULL, peer);
    access_address(exchange, client);
    bool is_passed_on =
        str_present(forwarded) || str_present(http_header(exchange->http, "forwarded"));
    bool is_believed = gateway->trusted_proxies && address_is_of(peer, gateway->trusted_proxies);
    bool is_loopback = memcmp(client, v6, sizeof v6) == 0 ||
                       (address_is_v4(client) && client[V4_FIRST] == LOOPBACK);
    return is_loopback && (!is_passed_on || is_believed);
}

// A caller without credentials, or whose credentials cannot be checked now, gets the public part.
static void detail_known(void *context, struct caller *caller, const struct err *err)
{
    (void)err;
    detail_write(context, caller && caller->principal.tenant == 0 &&
                              caller->permissions & 1U << PERMISSION_MESSAGES);
}

static bool is_for_everybody(const struct gateway *gateway)
{
    return str_equal(gateway->config->health_detail, STR("everybody"));
}

bool health_detail_check(const struct gateway *gateway, struct err *err)
{
    return is_for_everybody(gateway) ||
           str_equal(gateway->config->health_detail, STR("operators")) ||
           err_set(err, ERR_BAD_INPUT, "NEXUS_HEALTH_DETAIL is operators or everybody");
}

void health_detail(struct exchange *exchange)
{
    if (is_for_everybody(exchange->gateway) || is_from_here(exchange))
        detail_write(exchange, true);
    else
        access_identify(exchange, CREDENTIALS_KEY, detail_known, exchange);
}
