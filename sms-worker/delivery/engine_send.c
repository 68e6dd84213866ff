// engine_send: rows in queues → requests → outcomes.
#include "sms-worker/delivery/engine_parts.h"

#include "base/clock.h"
#include "io/http_client/http_client.h"
#include "process/failpoint.h"
#include "sms-worker/providers/answer_excerpt.h"
#include "store/statements.h"
#include "telemetry/log.h"

enum {
    SLOW_SHARE = 4, // the slow pool gets one slot in this many
    SLOW_LATENCY_MS = 5000,
};
static const double latency_weight = 0.2; // weight of the newest answer in the moving average

static void send_next(struct engine *engine, struct destination *destination);
static void answered(void *context, const struct http_client_answer *answer);

// The slow pool comes first in every other turn, so that a busy fast pool does not starve it.
static struct destination *whose_turn(struct engine *engine)
{
    unsigned slow_limit = (engine->options.transfers + SLOW_SHARE - 1) / SLOW_SHARE;
    bool slow_first = engine->turn++ % 2 == 0;
    for (int i = 0; i < SCHEDULE_POOLS; i++) {
        bool slow = (i == 0) == slow_first;
        if (slow && engine->slow_in_flight >= slow_limit)
            continue;
        struct schedule_entry *entry =
            schedule_next(&engine->ready, slow ? SCHEDULE_SLOW : SCHEDULE_FAST);
        if (entry)
            return CONTAINER_OF(entry, struct destination, ready);
    }
    return NULL;
}

void engine_pump(struct engine *engine)
{
    struct destination *destination;
    while (!engine->draining && engine->in_flight < engine->options.transfers &&
           (destination = whose_turn(engine))) {
        schedule_charge(&destination->ready, 1);
        send_next(engine, destination);
    }
}

// Called once, right before the first byte.
static bool may_leave(void *context)
{
    struct delivery *delivery = context;

    if (!engine_may_begin(delivery))
        return false;
    delivery->stage = DELIVERY_ON_THE_WIRE;
    return true;
}

// The grants of its contact center as they are now, not as they were when the row was claimed.
static const struct address_ranges *granted(void *context)
{
    const struct delivery *delivery = context;

    return delivery->destination->networks;
}

static const struct http_client_permit permit = {.may_leave = may_leave, .granted = granted};

static void send_next(struct engine *engine, struct destination *destination)
{
    struct delivery *delivery = LIST_FIRST(&destination->queue, struct delivery, queued);
    if (!engine_may_begin(delivery)) {
        destination->stale = true;
        destination_settle(destination);
        engine_permits_watch(engine);
        return;
    }
    list_remove(&delivery->queued);
    destination->queued--;

    if (!delivery->provider || !destination->usable) {
        // A setting must be corrected; the log names it.
        struct outcome outcome = {
            .kind = OUTCOME_RETRY,
            .delay_ms = retry_profile_sms.config_floor_ms,
            .decision = DECISION_UNUSABLE,
            .detail =
                destination->usable ? STR_ABSENT : arena_copy(delivery->arena, destination->fault),
        };
        destination_note(destination, &outcome);
        engine_complete(delivery, &outcome);
        metric_add(engine->metrics.retries[RETRY_CLASS_CONFIG], 1);
        destination_settle(destination);
        return;
    }

    delivery->stage = DELIVERY_CONNECTING;
    destination->in_flight++;
    engine->in_flight++;
    delivery->slow = destination->slow;
    engine->slow_in_flight += delivery->slow;
    if (delivery->attempt == 0)
        retry_budget_fresh(&destination->budget);
    destination_settle(destination);

    engine_trace_send(delivery);
    struct provider_request *request = &engine->request;
    arena_reset(request->arena);
    delivery->provider->build(&delivery->message, &destination->webhook, clock_unix_us() / 1000000,
                              request);
    delivery->sent_bytes = request->body.len;
    engine_metrics_sent(delivery);
    // A crash from here until the outcome is stored: the request may have been sent. The row's next
    // holder knows that, because it finds a lease that ran out.
    http_client_post_if(service_http_client(engine->service), destination->webhook.url,
                        request->headers, request->header_count, buf_str(&request->body),
                        engine->options.timeout_ms, &permit, answered, delivery);
}

// ---- what the answer means for the message

static int64_t put_off_ms(struct delivery *delivery, enum retry_class class, int64_t retry_after_s)
{
    struct destination *destination = delivery->destination;

    return retry_delay_ms(&retry_profile_sms, class, delivery->attempt, retry_after_s,
                          retry_budget_take(&destination->budget),
                          service_random(destination->engine->service));
}

// The explanation for people who ask about the message.
static void explain(struct delivery *delivery, const struct http_client_answer *answer,
                    enum retry_class class, struct outcome *outcome)
{
    switch (answer->outcome) {
    case HTTP_CLIENT_ANSWERED: outcome->decision = (int)class; break;
    case HTTP_CLIENT_NOT_SENT: outcome->decision = DECISION_NOT_SENT; break;
    case HTTP_CLIENT_UNCERTAIN: outcome->decision = DECISION_UNCERTAIN; break;
    case HTTP_CLIENT_FORBIDDEN: outcome->decision = DECISION_FORBIDDEN_ADDRESS; break;
    case HTTP_CLIENT_WITHDRAWN: break; // given back
    }
    if (answer->outcome != HTTP_CLIENT_ANSWERED)
        outcome->detail = arena_copy(delivery->arena, str_of(answer->reason));
    else if (class != RETRY_CLASS_OK)
        outcome->detail = answer_excerpt(answer->body, delivery->arena);
    if (delivery->probe)
        outcome->decision |= DECISION_PROBE;
}

static struct outcome judge(struct delivery *delivery, const struct http_client_answer *answer)
{
    struct engine *engine = delivery->destination->engine;
    struct outcome outcome = {.duration_ms = answer->duration_us / 1000};
    struct provider_verdict verdict = {.class = RETRY_CLASS_RETRY};

    switch (answer->outcome) {
    case HTTP_CLIENT_ANSWERED:
        outcome.status = answer->status;
        verdict = delivery->provider->judge(&delivery->message, answer, delivery->arena);
        outcome.kind = verdict.conflict                         ? OUTCOME_CONFLICT
                       : verdict.class == RETRY_CLASS_OK        ? OUTCOME_SENT
                       : verdict.class == RETRY_CLASS_PERMANENT ? OUTCOME_FAILED
                                                                : OUTCOME_RETRY;
        outcome.provider_id = verdict.provider_id;
        outcome.reason = STR("refused");
        break;
    case HTTP_CLIENT_NOT_SENT: outcome.kind = OUTCOME_RETRY; break;
    case HTTP_CLIENT_UNCERTAIN: outcome.kind = OUTCOME_UNCERTAIN; break;
    case HTTP_CLIENT_FORBIDDEN:
        outcome.kind = OUTCOME_FAILED;
        outcome.reason = STR("forbidden_address");
        break;
    case HTTP_CLIENT_WITHDRAWN: break; // given back
    }

    explain(delivery, answer, verdict.class, &outcome);
    engine_metrics_answered(delivery, answer, verdict.class);
    if (outcome.kind == OUTCOME_RETRY || outcome.kind == OUTCOME_UNCERTAIN) {
        outcome.delay_ms = put_off_ms(delivery, verdict.class, answer->retry_after_s);
        metric_add(answer->outcome == HTTP_CLIENT_ANSWERED ? engine->metrics.retries[verdict.class]
                                                           : engine->metrics.retries_network,
                   1);
        if (delivery->attempt + 1 >= engine->options.attempts) {
            outcome.reason = STR("exhausted");
            if (outcome.kind ==
                OUTCOME_RETRY) // the channel decides whether an uncertain one is held
                outcome.kind = OUTCOME_FAILED;
        }
    }
    if (verdict.class == RETRY_CLASS_CONFIG || verdict.class == RETRY_CLASS_GONE)
        LOG_WARN("destination.misconfigured", LOG_TRACE(&delivery->trace),
                 LOG_TENANT(delivery->tenant), LOG_ID("messageId", delivery->message.id),
                 LOG_DESTINATION(delivery->destination), LOG_INT("status", answer->status));
    return outcome;
}

// ---- what the answer means for the destination

static void breaker_stored(void *context, const struct pg_result *result, const struct err *err)
{
    (void)result;
    struct engine *engine = context;
    if (err) // other workers find out by themselves, and this one too after a restart
        LOG_WARN("delivery.breaker_not_stored", LOG_ERR(err));
    engine_call_ended(engine);
}

static void breaker_send(struct destination *destination, int64_t delay_ms)
{
    struct pg_params params;
    BIND(&params, DESTINATION_BREAKER, .destination = destination->id,
         .seen = destination->failures, .delay_ms = (int32_t)delay_ms);
    engine_call(destination->engine, &params, breaker_stored);
}

static void breaker_open(struct destination *destination, int64_t now_ms)
{
    int64_t delay_ms = breaker_delay_ms((unsigned)destination->failures,
                                        service_random(destination->engine->service));
    LOG_WARN("destination.breaker_opened", LOG_TENANT(destination->tenant),
             LOG_DESTINATION(destination), LOG_INT("openings", destination->failures + 1),
             LOG_INT("delayMs", delay_ms));
    breaker_send(destination, delay_ms);
    breaker_reset(&destination->breaker);
    destination->failures++;
    destination->open_until_ms = now_ms + delay_ms;
    engine_give_back(destination);
}

static void breaker_close(struct destination *destination)
{
    LOG_INFO("destination.breaker_closed", LOG_TENANT(destination->tenant),
             LOG_DESTINATION(destination));
    breaker_send(destination, 0);
    breaker_reset(&destination->breaker);
    window_init(&destination->window, destination->engine->options.window);
    destination->failures = 0;
    destination->open_until_ms = 0;
    destination->due = true;
    claim_floor_reset(&destination->floor); // rows that were returned when it opened
}

static enum breaker_sample sample_of(const struct http_client_answer *answer)
{
    if (answer->outcome == HTTP_CLIENT_NOT_SENT)
        return BREAKER_CONNECT_FAILURE;
    if (answer->outcome == HTTP_CLIENT_UNCERTAIN)
        return BREAKER_BAD;
    if (answer->outcome == HTTP_CLIENT_FORBIDDEN)
        return BREAKER_GOOD; // tells nothing about the other side
    enum retry_class class = retry_class_of(answer->status);
    return class == RETRY_CLASS_OK || class == RETRY_CLASS_PERMANENT ? BREAKER_GOOD : BREAKER_BAD;
}

static void note_answer(struct destination *destination, bool probe,
                        const struct http_client_answer *answer)
{
    enum breaker_sample sample = sample_of(answer);
    double latency_ms = (double)answer->duration_us / 1000;
    destination->latency_ms += (latency_ms - destination->latency_ms) * latency_weight;
    bool slow = destination->latency_ms > SLOW_LATENCY_MS;
    if (slow != destination->slow) {
        destination->slow = slow;
        schedule_remove(&destination->ready); // settled again below, in the other pool
    }
    if (sample == BREAKER_CONNECT_FAILURE)
        window_connect_failure(&destination->window);
    else if (sample == BREAKER_GOOD)
        window_success(&destination->window);

    int64_t now_ms = clock_monotonic_ms();
    bool opens =
        breaker_note(&destination->breaker, sample, window_limit(&destination->window), now_ms);
    if (probe && sample == BREAKER_GOOD)
        breaker_close(destination);
    else if ((opens || probe) && now_ms >= destination->open_until_ms)
        breaker_open(destination, now_ms);
}

// ---- the answer arrives

// The recipient is logged as a token: with the number one can find its lines.
static void attempt_log(const struct delivery *delivery, const struct outcome *outcome,
                        const struct http_client_answer *answer)
{
    enum log_level level = outcome->kind == OUTCOME_FAILED ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;

    if (!log_wants(level))
        return;
    struct log_token to =
        service_log_token(delivery->destination->engine->service, delivery->message.to);
    LOG_AT(level, outcome->kind == OUTCOME_FAILED ? "delivery.failed" : "delivery.attempted",
           LOG_TRACE(&delivery->trace), LOG_TENANT(delivery->tenant),
           LOG_ID("messageId", delivery->message.id), LOG_TOKEN("to", to),
           LOG_DESTINATION(delivery->destination), LOG_INT("attempt", delivery->attempt + 1),
           LOG_INT("status", outcome->status), LOG_STR("why", str_of(answer->reason)),
           LOG_STR("reason", outcome->reason), LOG_INT("millis", outcome->duration_ms), LOG_END);
}

// The contract with receivers: a complete status line of 2xx is an answer, even if the rest is cut
// off, unreadable or late.
static struct http_client_answer as_agreed(const struct http_client_answer *answer)
{
    struct http_client_answer seen = *answer;

    if (seen.outcome == HTTP_CLIENT_UNCERTAIN && retry_class_of(seen.status) == RETRY_CLASS_OK)
        seen.outcome = HTTP_CLIENT_ANSWERED;
    // A crash here: the other side has the message, but this is not stored. The lease runs out, and
    // the channel's policy for uncertain messages applies.
    if (failpoint("delivery.after_http_before_complete"))
        seen.outcome = HTTP_CLIENT_UNCERTAIN;
    return seen;
}

// The attempt that took place, or was withdrawn, is settled.
static void settle(struct delivery *delivery, const struct http_client_answer *answer)
{
    if (answer->outcome == HTTP_CLIENT_WITHDRAWN) {
        engine_complete(delivery, &(struct outcome){.kind = OUTCOME_GIVEN_BACK});
        return;
    }
    struct outcome outcome = judge(delivery, answer);
    engine_trace_answered(delivery, &outcome);
    attempt_log(delivery, &outcome, answer);
    note_answer(delivery->destination, delivery->probe, answer);
    destination_note(delivery->destination, &outcome);
    engine_complete(delivery, &outcome);
}

static void answered(void *context, const struct http_client_answer *answer)
{
    struct delivery *delivery = context;
    struct destination *destination = delivery->destination;
    struct engine *engine = destination->engine;
    struct http_client_answer seen = as_agreed(answer);

    destination->in_flight--;
    engine->in_flight--;
    engine->slow_in_flight -= delivery->slow;
    settle(delivery, &seen);
    destination_settle(destination);
    engine_turn(engine);
}
