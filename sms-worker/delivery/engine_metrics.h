// engine_metrics: the series of the engine, and the moments at which it counts. One call for each
// message and moment, or for each batch; no statement is sent for it.
#pragma once

#include "io/http_client/http_client.h"
#include "sms-worker/pacing/retry.h"
#include "telemetry/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct delivery;

enum engine_channel { ENGINE_SMS, ENGINE_EMAIL, ENGINE_CHANNELS };
enum { ENGINE_OUTCOMES = 5, ENGINE_CLASSES = RETRY_CLASS_GONE + 1 };

struct engine_metrics {
    struct metrics *metrics;
    struct metric *outcomes[ENGINE_OUTCOMES], *expired, *opted_out;
    struct metric *retries[ENGINE_CLASSES], *retries_network;
    struct metric *attempts[ENGINE_CHANNELS][ENGINE_CLASSES];
    struct metric *silences[ENGINE_CHANNELS][HTTP_CLIENT_FORBIDDEN + 1];
    struct metric *duration, *lease_expired, *fenced, *depth, *oldest, *open;
    struct metric *held_depth, *held_oldest, *failing;
    struct metric *commit_claim, *claim_sent, *sent_done, *end_to_end;
    struct metric *claim_inflight, *send_inflight;
};

void engine_metrics_find(struct engine *engine);

// Leased; age_us: since it was accepted, by PostgreSQL's clock.
void engine_metrics_claimed(struct delivery *delivery, int64_t age_us, bool is_recovered);
// Ended by PostgreSQL instead of being leased.
enum engine_end { ENGINE_EXPIRED, ENGINE_OPTED_OUT, ENGINE_HELD };
void engine_metrics_ended(struct engine *engine, enum engine_end end);
void engine_metrics_sent(struct delivery *delivery);
void engine_metrics_answered(const struct delivery *delivery,
                             const struct http_client_answer *answer, enum retry_class class);
void engine_metrics_stored(struct delivery *delivery, int64_t now_us); // its outcome is committed
