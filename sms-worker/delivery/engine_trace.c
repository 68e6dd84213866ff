// engine_trace: see engine_parts.h. A message without a trace gets its own id as its trace.
#include "sms-worker/delivery/engine_parts.h"
#include "telemetry/spans.h"

static const struct str outcome_names[OUTCOME_KINDS] = {
    [OUTCOME_SENT] = STR_INIT("sent"),
    [OUTCOME_RETRY] = STR_INIT("retry"),
    [OUTCOME_FAILED] = STR_INIT("failed"),
    [OUTCOME_UNCERTAIN] = STR_INIT("uncertain"),
    [OUTCOME_GIVEN_BACK] = STR_INIT("given_back"),
    [OUTCOME_CONFLICT] = STR_INIT("conflict"),
};

static struct service *service_of(const struct delivery *delivery)
{
    return delivery->destination->engine->service;
}

static struct trace trace_of_id(struct id id)
{
    struct trace trace = {0};

    for (size_t i = 0; i < sizeof id.bytes / 2; i++) {
        trace.high = trace.high << 8 | id.bytes[i];
        trace.low = trace.low << 8 | id.bytes[i + sizeof id.bytes / 2];
    }
    return trace;
}

static void delivery_say(struct span *span, const struct delivery *delivery)
{
    span_id(span, "nexus.message_id", delivery->message.id);
    span_int(span, "nexus.tenant", delivery->tenant);
    span_int(span, "nexus.destination", delivery->destination->id);
    span_int(span, "nexus.attempt", delivery->attempt + 1);
}

void engine_trace_claimed(struct delivery *delivery, struct str traceparent, int64_t age_us)
{
    struct engine *engine = delivery->destination->engine;

    if (!trace_parse(traceparent, &delivery->trace))
        delivery->trace = trace_of_id(delivery->message.id);
    delivery->claim_span = trace_span_new(service_random(engine->service));

    struct trace trace = trace_at(&delivery->trace, delivery->claim_span);
    struct span *span =
        spans_add(service_spans(engine->service), SPAN_CLAIM, &trace, false, engine->claim.sent_us);
    if (!span)
        return;
    span_follow(span, &delivery->trace, age_us > SPAN_LATE_US);
    delivery_say(span, delivery);
    span_int(span, "nexus.waited_us", age_us);
}

void engine_trace_send(struct delivery *delivery)
{
    struct service *service = service_of(delivery);

    delivery->message.trace = trace_at(&delivery->trace, trace_span_new(service_random(service)));
    if (spans_has(service_spans(service), &delivery->trace))
        delivery->message.trace.flags = TRACE_SAMPLED;
}

struct str engine_trace_kept(const struct delivery *delivery, char text[static TRACE_PARENT_LENGTH])
{
    if (delivery->sent_us == 0 || !spans_has(service_spans(service_of(delivery)), &delivery->trace))
        return STR_ABSENT;
    return trace_text(&delivery->message.trace, text);
}

void engine_trace_answered(struct delivery *delivery, const struct outcome *outcome)
{
    struct span *span =
        spans_add(service_spans(service_of(delivery)), SPAN_WEBHOOK_ATTEMPT,
                  &delivery->message.trace, outcome->kind != OUTCOME_SENT, delivery->sent_us);

    if (!span)
        return;
    span->parent = delivery->claim_span;
    delivery_say(span, delivery);
    span_word(span, "nexus.outcome", outcome_names[outcome->kind]);
    if (outcome->status)
        span_int(span, "http.response.status_code", outcome->status);
}
