// rates: see the header.
#include "gateway/limits/rates.h"

#include "gateway/limits/rate_table.h"

#include "base/clock.h"
#include "base/heap.h"
#include "io/redis/redis.h"
#include "telemetry/metrics.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BUCKETS = 8192,
    PAUSE_MS = 250, // after Redis was too slow it is not used for this long
    SHA_LENGTH = 40,
};

// A bucket is one number: when it will be full again (µs of Redis' clock, which all gateways
// share). KEYS 1 the bucket; ARGV 1 capacity, 2 frequency in s. Returns: allowed, left, wait ms,
// full ms.
static const char take_script[] =
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000000 + time[2]\n"
    "local capacity, period = tonumber(ARGV[1]), ARGV[2] * 1000000\n"
    "local each = period / capacity\n"
    "local full = math.max(now, math.min(tonumber(redis.call('GET', KEYS[1]) or 0), now + "
    "period))\n"
    "local over = full + each - now - period\n"
    "if over >= 1 then\n"
    "    return string.format('0 0 %d %d', math.ceil(over / 1000), math.ceil((full - now) / "
    "1000))\n"
    "end\n"
    "full = full + each\n"
    "local full_ms = math.max(1, math.ceil((full - now) / 1000))\n"
    "redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', full_ms)\n"
    "local left = math.max(0, math.floor((now + period - full) / each + 0.001))\n"
    "return string.format('1 %d 0 %d', left, full_ms)\n";

// KEYS 1 the gateways by the time of their last report; ARGV 1 this one. Returns how many are
// alive.
static const char live_script[] = "local now = redis.call('TIME')[1]\n"
                                  "redis.call('ZADD', KEYS[1], now, ARGV[1])\n"
                                  "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 10)\n"
                                  "redis.call('EXPIRE', KEYS[1], 10)\n"
                                  "return redis.call('ZCARD', KEYS[1])\n";

struct rates {
    struct redis *const *redis; // NULL there: closed
    const char *instance;
    struct rate_table *table; // tokens given out by this gateway, also those that Redis granted
    char sha[SHA_LENGTH + 1]; // of the script, once Redis has it; else empty
    int64_t paused_until_ms;
    uint32_t gateways; // that are alive, as last reported
    struct metric *by_redis, *by_share, *known;
};

static void gateways_set(struct rates *rates, uint32_t count)
{
    rates->gateways = count;
    metric_set(rates->known, count);
}

struct rates *rates_new(struct redis *const *redis, const char *instance, struct metrics *metrics)
{
    struct rates *rates = heap_new(sizeof *rates);
    *rates = (struct rates){.redis = redis,
                            .instance = instance,
                            .table = rate_table_new(BUCKETS),
                            .by_redis = metrics_series(metrics, METRIC_RATE_DECISIONS, "redis"),
                            .by_share = metrics_series(metrics, METRIC_RATE_DECISIONS, "share"),
                            .known = metrics_series(metrics, METRIC_GATEWAYS)};
    gateways_set(rates, 1);
    return rates;
}

void rates_free(struct rates **rates)
{
    if (!*rates)
        return;
    rate_table_free(&(*rates)->table);
    free(*rates);
    *rates = NULL;
}

// ---- this gateway alone

static struct rate_verdict share_take(const struct rate_wait *wait)
{
    struct rates *rates = wait->rates;
    uint32_t share = wait->capacity / rates->gateways;
    int64_t now_ms = clock_monotonic_ms();
    // Keys are counted from 1: spread them over the table.
    struct rate_bucket *bucket =
        rate_table_find(rates->table, wait->key * UINT64_C(0x9E3779B97F4A7C15) >> 16, now_ms);

    return rate_take(bucket, share ? share : 1, wait->frequency_s, now_ms);
}

static void decide_alone(struct rate_wait *wait)
{
    struct rate_verdict verdict = share_take(wait);

    metric_add(wait->rates->by_share, 1);
    wait->done(wait->context, &verdict);
}

// ---- all of them

static bool verdict_read(struct str text, struct rate_verdict *verdict)
{
    int64_t numbers[4];

    for (int i = 0; i < 4; i++) {
        struct str word;
        str_cut(text, ' ', &word, &text);
        if (!str_present(word) || !str_to_int(word, 0, INT64_MAX, &numbers[i]))
            return false;
    }
    *verdict = (struct rate_verdict){.is_allowed = numbers[0] != 0,
                                     .left = (uint32_t)numbers[1],
                                     .wait_ms = numbers[2],
                                     .full_ms = numbers[3]};
    return true;
}

static void take_answered(void *context, struct str reply, const struct err *err)
{
    struct rate_wait *wait = context;
    struct rates *rates = wait->rates;
    struct rate_verdict verdict;

    if (!err && verdict_read(reply, &verdict)) {
        // Counted here too, so that the limits still hold when Redis is lost.
        if (verdict.is_allowed)
            share_take(wait);
        metric_add(rates->by_redis, 1);
        wait->done(wait->context, &verdict);
        return;
    }
    if (err && err->code == ERR_DEADLINE)
        rates->paused_until_ms = clock_monotonic_ms() + PAUSE_MS;
    else if (err && str_starts(str_of(err->text), STR("Redis says: NOSCRIPT")))
        rates_connected(rates); // its scripts were flushed
    decide_alone(wait);
}

void rates_take(struct rates *rates, uint32_t key, uint32_t capacity, uint32_t frequency_s,
                struct rate_wait *wait)
{
    char bucket[32], numbers[2][12];

    wait->rates = rates;
    wait->key = key;
    wait->capacity = capacity;
    wait->frequency_s = frequency_s ? frequency_s : 1;
    if (!rates->sha[0] || !redis_ready(*rates->redis) ||
        clock_monotonic_ms() < rates->paused_until_ms) {
        decide_alone(wait);
        return;
    }
    snprintf(bucket, sizeof bucket, "nexus:rate:%u", key);
    snprintf(numbers[0], sizeof numbers[0], "%u", capacity);
    snprintf(numbers[1], sizeof numbers[1], "%u", wait->frequency_s);
    const struct str words[] = {STR("EVALSHA"), str_of(rates->sha), STR("1"),
                                str_of(bucket), str_of(numbers[0]), str_of(numbers[1])};
    redis_command(*rates->redis, words, COUNT_OF(words), take_answered, wait);
}

static void script_loaded(void *context, struct str reply, const struct err *err)
{
    struct rates *rates = context;

    if (!err && reply.len == SHA_LENGTH)
        memcpy(rates->sha, reply.ptr, SHA_LENGTH);
}

void rates_connected(struct rates *rates)
{
    const struct str words[] = {STR("SCRIPT"), STR("LOAD"), str_of(take_script)};

    rates->sha[0] = '\0';
    redis_command(*rates->redis, words, COUNT_OF(words), script_loaded, rates);
}

static void gateways_received(void *context, struct str reply, const struct err *err)
{
    struct rates *rates = context;
    int64_t count;

    if (!err && str_present(reply) && str_to_int(reply, 1, UINT16_MAX, &count))
        gateways_set(rates, (uint32_t)count);
}

void rates_tick(struct rates *rates)
{
    const struct str words[] = {STR("EVAL"), str_of(live_script), STR("1"), STR("nexus:gateways"),
                                str_of(rates->instance)};

    redis_command(*rates->redis, words, COUNT_OF(words), gateways_received, rates);
    if (!rates->sha[0] && redis_ready(*rates->redis))
        rates_connected(rates);
}
