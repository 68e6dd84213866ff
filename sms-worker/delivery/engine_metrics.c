// engine_metrics: the metrics of the engine (telemetry/metrics.def). The times of a stage are those
// that the engine has anyway; ages come from PostgreSQL's clock, durations from our monotonic one,
// never from the difference of the two.
#include "sms-worker/delivery/engine_metrics.h"

#include "base/clock.h"
#include "sms-worker/delivery/engine_parts.h"
#include "telemetry/trace.h"

#include <stdlib.h>

static const char *const channels[ENGINE_CHANNELS] = {
    [ENGINE_SMS] = "sms", [ENGINE_EMAIL] = "email"};

static void stages_find(struct engine_metrics *own, struct metrics *metrics)
{
    own->commit_claim = metrics_series(metrics, METRIC_STAGES, "commit_claim");
    own->claim_sent = metrics_series(metrics, METRIC_STAGES, "claim_sent");
    own->sent_done = metrics_series(metrics, METRIC_STAGES, "sent_done");
    own->end_to_end = metrics_series(metrics, METRIC_STAGES, "end_to_end");
    own->claim_inflight = metrics_series(metrics, METRIC_INFLIGHT, "claim");
    own->send_inflight = metrics_series(metrics, METRIC_INFLIGHT, "send");
}

void engine_metrics_find(struct engine *engine)
{
    struct metrics *metrics = service_metrics(engine->service);
    struct engine_metrics *own = &engine->metrics;
    static const char *const kinds[] = {[OUTCOME_SENT] = "sent",
                                        [OUTCOME_RETRY] = "retry",
                                        [OUTCOME_FAILED] = "failed",
                                        [OUTCOME_UNCERTAIN] = "uncertain"};

    own->metrics = metrics;
    for (int kind = OUTCOME_SENT; kind <= OUTCOME_UNCERTAIN; kind++)
        own->outcomes[kind] = metrics_series(metrics, METRIC_DELIVERIES, kinds[kind]);
    own->expired = metrics_series(metrics, METRIC_DELIVERIES, "expired");
    own->opted_out = metrics_series(metrics, METRIC_DELIVERIES, "opted_out");
    for (int class = RETRY_CLASS_OK; class <= RETRY_CLASS_GONE; class ++)
        own->retries[class] =
            metrics_series(metrics, METRIC_RETRIES, retry_class_name((enum retry_class) class));
    own->retries_network = metrics_series(metrics, METRIC_RETRIES, "network");
    own->duration = metrics_series(metrics, METRIC_WEBHOOK_DURATION);
    own->lease_expired = metrics_series(metrics, METRIC_LEASE_EXPIRED);
    own->fenced = metrics_series(metrics, METRIC_FENCED);
    own->depth = metrics_series(metrics, METRIC_QUEUE_DEPTH, "deliveries");
    own->oldest = metrics_series(metrics, METRIC_QUEUE_OLDEST_AGE, "deliveries");
    own->held_depth = metrics_series(metrics, METRIC_QUEUE_DEPTH, "held");
    own->held_oldest = metrics_series(metrics, METRIC_QUEUE_OLDEST_AGE, "held");
    own->failing = metrics_series(metrics, METRIC_DESTINATIONS_FAILING);
    own->open = metrics_series(metrics, METRIC_BREAKERS, "open");
    stages_find(own, metrics);
}

void engine_publish_metrics(struct engine *engine)
{
    metric_set(engine->metrics.claim_inflight, (double)(engine->held_count - engine->in_flight));
    metric_set(engine->metrics.send_inflight, engine->in_flight);
}

// The sender of e-mail is a domain, that of a text is digits.
static enum engine_channel channel_of(const struct delivery *delivery)
{
    struct str from = delivery->message.from;

    return from.len > 0 && memchr(from.ptr, '.', from.len) ? ENGINE_EMAIL : ENGINE_SMS;
}

static void message_count(struct engine *engine, enum engine_channel channel, const char *outcome)
{
    metric_add(
        metrics_series(engine->metrics.metrics, METRIC_MESSAGES, channels[channel], "out", outcome),
        1);
}

static void undelivered_count(struct engine *engine, const char *reason)
{
    metric_add(metrics_series(engine->metrics.metrics, METRIC_UNDELIVERED, reason), 1);
}

// ---- the way of a delivery

// A row whose lease ran out, or that was delayed, waited for something other than a worker.
void engine_metrics_claimed(struct delivery *delivery, int64_t age_us, bool is_recovered)
{
    delivery->accepted_us = delivery->claimed_us - age_us;
    if (delivery->attempt > 0 || is_recovered)
        return;
    metric_observe_traced(delivery->destination->engine->metrics.commit_claim,
                          age_us > 0 ? (double)age_us / 1e6 : 0, &delivery->trace);
}

void engine_metrics_ended(struct engine *engine, enum engine_end end)
{
    switch (end) {
    case ENGINE_EXPIRED:
        metric_add(engine->metrics.expired, 1);
        undelivered_count(engine, "expired");
        break;
    case ENGINE_OPTED_OUT: metric_add(engine->metrics.opted_out, 1); break;
    case ENGINE_HELD:
        metric_add(engine->metrics.outcomes[OUTCOME_UNCERTAIN], 1);
        undelivered_count(engine, "uncertain");
        break;
    }
}

void engine_metrics_sent(struct delivery *delivery)
{
    delivery->sent_us = clock_monotonic_us();
    metric_observe(delivery->destination->engine->metrics.claim_sent,
                   (double)(delivery->sent_us - delivery->claimed_us) / 1e6);
}

void engine_metrics_answered(const struct delivery *delivery,
                             const struct http_client_answer *answer, enum retry_class class)
{
    struct engine_metrics *own = &delivery->destination->engine->metrics;
    enum engine_channel channel = channel_of(delivery);
    static const char *const silences[] = {[HTTP_CLIENT_NOT_SENT] = "not_sent",
                                           [HTTP_CLIENT_UNCERTAIN] = "uncertain",
                                           [HTTP_CLIENT_FORBIDDEN] = "forbidden"};
    bool is_answer = answer->outcome == HTTP_CLIENT_ANSWERED;
    struct metric **attempts =
        is_answer ? &own->attempts[channel][class] : &own->silences[channel][answer->outcome];

    if (!*attempts)
        *attempts = metrics_series(own->metrics, METRIC_WEBHOOK_ATTEMPTS, channels[channel],
                                   is_answer ? retry_class_name(class) : silences[answer->outcome]);
    metric_add(*attempts, 1);
    metric_observe_traced(own->duration, (double)answer->duration_us / 1e6, &delivery->trace);
}

static void stages_observe(const struct delivery *delivery, int64_t now_us)
{
    struct engine_metrics *own = &delivery->destination->engine->metrics;

    metric_observe_traced(own->sent_done, (double)(now_us - delivery->sent_us) / 1e6,
                          &delivery->trace);
    if (delivery->outcome.kind == OUTCOME_SENT)
        metric_observe_traced(own->end_to_end, (double)(now_us - delivery->accepted_us) / 1e6,
                              &delivery->trace);
}

// Only PostgreSQL knows whether an earlier attempt of this message was uncertain. Without an
// earlier attempt none was.
static enum attempt_outcome counted_as(const struct delivery *delivery)
{
    enum attempt_outcome kind = delivery->outcome.kind;

    if (kind != OUTCOME_CONFLICT)
        return kind;
    return delivery->attempt > 0 ? OUTCOME_UNCERTAIN : OUTCOME_FAILED;
}

void engine_metrics_stored(struct delivery *delivery, int64_t now_us)
{
    struct engine *engine = delivery->destination->engine;
    const struct outcome *outcome = &delivery->outcome;
    enum attempt_outcome kind = counted_as(delivery);
    bool is_certain = kind == OUTCOME_SENT || kind == OUTCOME_FAILED;

    metric_add(engine->metrics.outcomes[kind], 1);
    if (delivery->sent_us > 0)
        stages_observe(delivery, now_us);
    if (is_certain || delivery->undelivered)
        message_count(engine, channel_of(delivery),
                      kind == OUTCOME_SENT     ? "sent"
                      : kind == OUTCOME_FAILED ? "failed"
                                               : "uncertain");
    // The reasons are words of ours (engine_send.c) with a NUL behind them.
    if (delivery->undelivered)
        undelivered_count(engine, str_present(outcome->reason) ? outcome->reason.ptr : "uncertain");
}
