// rates: how often the holder of a key may call, counted for all gateways together. Redis keeps the
// buckets: one round trip, one script, and only for a key that has a limit. Where Redis is away, or
// does not answer within 20 ms, this gateway decides alone and gives out its share: the capacity
// divided by the number of gateways that were alive at the last report.
//
// Redis holds no important data: after a loss all buckets are full.
#pragma once

#include "gateway/limits/rate.h"

#include <stdint.h>

struct metrics;
struct rates;
struct redis;

// redis points to the gateway's client: NULL once it is closed, which answers all waiting requests.
struct rates *rates_new(struct redis *const *redis, const char *instance, struct metrics *metrics);
void rates_free(struct rates **rates);

// A waiting request; embedded in what waits. The caller sets done and context.
struct rate_wait {
    void (*done)(void *context, const struct rate_verdict *verdict);
    void *context;
    // rates' own:
    struct rates *rates;
    uint32_t key, capacity, frequency_s;
};

// Takes one of the key's tokens; capacity is not 0. done runs once, perhaps inside this call.
void rates_take(struct rates *rates, uint32_t key, uint32_t capacity, uint32_t frequency_s,
                struct rate_wait *wait);

void rates_connected(struct rates *rates); // Redis is ready
void rates_tick(struct rates *rates); // once a second: reports to Redis that this gateway is alive
