// custom_gateway: the steps of a webhook, top to bottom: read, check, record, answer, receipts.
#include "simulator/webhooks/custom_gateway.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/panic.h"
#include "simulator/aggregator/aggregator.h"
#include "simulator/messages/journal.h"
#include "simulator/phone/events.h"
#include "simulator/simulator.h"
#include "simulator/webhooks/signature.h"
#include "wire/json/codec_json.h"

#include <stdlib.h>

enum { HANG_MS = 30000, EARLY_RECEIPT_MS = 300, LATE_FACTOR = 10, CONVERSATIONS_LIMIT = 100000 };

struct custom_gateway {
    struct simulator *simulator;
    struct list delayed;
    struct map *last_order; // conversation id → the highest order seen, as a struct progress
};

struct progress {
    uint64_t order;
};

struct received_webhook {
    struct channel *channel;
    const struct knobs *knobs;
    struct str message_id, conversation, from, to, text;
    uint64_t order;
};

enum fate { ANSWER, HANG, DROP };

// What the gateway has decided to answer, and when.
struct verdict {
    enum fate fate;
    int status;
    int64_t delay_ms;
};

// A delayed answer. The request's memory is freed with its answer, this struct later.
struct delayed {
    uv_timer_t timer;
    struct list link;
    struct http_request *request;
    struct received_webhook webhook; // its strings are the request's
    struct verdict verdict;
};

struct custom_gateway *custom_gateway_new(struct simulator *simulator)
{
    struct custom_gateway *gateway = heap_new(sizeof *gateway);
    gateway->simulator = simulator;
    list_init(&gateway->delayed);
    gateway->last_order = map_new();
    return gateway;
}

// --- read

static bool webhook_read(struct http_request *request, struct received_webhook *webhook,
                         struct err *err)
{
    const struct json_view *body;

    if (!json_parse(http_body(request), http_arena(request), &body, err))
        return false;
    const struct json_view *message = json_element(json_member(body, "messages"), 0);
    int64_t sequence;
    webhook->message_id = json_text(json_member(message, "id"));
    webhook->conversation = json_text(json_member(message, "conversationId"));
    webhook->from = json_text(json_member(message, "from"));
    webhook->to = json_text(json_member(message, "to"));
    webhook->text = json_text(json_member(message, "text"));
    if (json_number(json_member(message, "sequence"), &sequence) && sequence > 0)
        webhook->order = (uint64_t)sequence;
    if (webhook->message_id.len == 0 || webhook->message_id.len > 128)
        return err_set(err, ERR_BAD_INPUT, "messages[0].id is missing");
    return true;
}

static bool signature_check(struct simulator *simulator, struct http_request *request,
                            const struct received_webhook *webhook)
{
    struct str secret = webhook->knobs->secret[0] ? str_of(webhook->knobs->secret)
                                                  : simulator->config->webhook_secret;

    if (secret.len == 0)
        return true;
    return signature_is_good(
        &(struct signed_webhook){.body = http_body(request),
                                 .hub = http_header(request, "x-hub-signature"),
                                 .hub_256 = http_header(request, "x-hub-signature-256"),
                                 .webhook_id = http_header(request, "webhook-id"),
                                 .webhook_timestamp = http_header(request, "webhook-timestamp"),
                                 .webhook_signature = http_header(request, "webhook-signature")},
        secret, clock_unix_us() / 1000000);
}

// --- judge

static struct verdict verdict_make(struct simulator *simulator, const struct knobs *knobs)
{
    struct verdict verdict = {.status = 200, .delay_ms = knobs->latency_ms};

    if (knobs->jitter_ms > 0)
        verdict.delay_ms +=
            (int64_t)random_below(simulator->random, (uint64_t)knobs->jitter_ms + 1);
    if (knobs->status > 0)
        verdict.status = (int)knobs->status;
    else if (simulator_hits(simulator, knobs->error_rate))
        verdict.status = 503;
    if (simulator_hits(simulator, knobs->drop))
        verdict.fate = DROP;
    if (simulator_hits(simulator, knobs->hang)) {
        verdict.fate = HANG;
        verdict.delay_ms = HANG_MS;
    }
    if (verdict.fate == ANSWER && knobs->receipts == RECEIPTS_EARLY &&
        verdict.delay_ms < EARLY_RECEIPT_MS)
        verdict.delay_ms = EARLY_RECEIPT_MS; // so that Nexus has the receipts first
    return verdict;
}

static bool verdict_is_ok(const struct verdict *verdict)
{
    return verdict->fate == ANSWER && verdict->status >= 200 && verdict->status < 300;
}

// Whether the first attempt of this message arrived after a later message of its conversation. If
// there is no room for another conversation, its order is not checked.
static bool order_is_broken(struct custom_gateway *gateway, const struct received_webhook *webhook)
{
    if (webhook->order == 0 || webhook->conversation.len != ID_TEXT_LENGTH)
        return false;
    struct progress *progress = map_get(gateway->last_order, webhook->conversation);
    if (!progress) {
        if (map_count(gateway->last_order) >= CONVERSATIONS_LIMIT)
            return false;
        progress = heap_new(sizeof *progress);
        map_put(gateway->last_order, webhook->conversation, progress);
    }
    if (webhook->order < progress->order)
        return true;
    progress->order = webhook->order;
    return false;
}

// --- remember

static const struct remembered *remember(struct simulator *simulator,
                                         const struct received_webhook *webhook,
                                         const struct verdict *verdict, bool *is_first_ok)
{
    struct counts *counts = &webhook->channel->counts;
    struct remembered *message =
        history_find(simulator->history, str_of(webhook->channel->name), webhook->message_id);
    bool ok = verdict_is_ok(verdict);

    if (!message) {
        counts->distinct++;
        counts->order_violations += order_is_broken(simulator->gateway, webhook);
        message = history_add(simulator->history,
                              &(struct remembered){.time_us = clock_unix_us(),
                                                   .direction = TO_PHONE,
                                                   .message_id = webhook->message_id,
                                                   .channel = str_of(webhook->channel->name),
                                                   .from = webhook->from,
                                                   .to = webhook->to,
                                                   .text = webhook->text,
                                                   .state = "refused",
                                                   .order = webhook->order});
    }
    counts->duplicates += message->is_answered_ok;
    *is_first_ok = ok && !message->is_answered_ok;
    if (*is_first_ok)
        message->state = "received";
    message->is_answered_ok |= ok;
    message->attempts++;
    message->status = verdict->fate == ANSWER ? verdict->status : 0;
    page_events_publish(simulator->events, message);
    return message;
}

static void journal_line(struct journal *journal, const struct remembered *message)
{
    AUTO(buf) line = {0};
    AUTO(buf) time = {0};

    if (!journal)
        return;
    buf_time(&time, clock_unix_us());
    json_open(&line, '{');
    json_key_str(&line, "time", buf_str(&time));
    json_key_str(&line, "channel", message->channel);
    json_key_str(&line, "messageId", message->message_id);
    json_key_int(&line, "attempt", message->attempts);
    json_key_str(&line, "to", message->to);
    json_key_int(&line, "sequence", (int64_t)message->sequence);
    json_key_int(&line, "order", (int64_t)message->order);
    json_key_int(&line, "status", message->status);
    json_close(&line, '}');
    journal_append(journal, buf_str(&line));
}

// --- answer

// Our id for the message: the same for every attempt, as a provider does that uses the webhook-id.
static void provider_id_add(const struct received_webhook *webhook, const char *key,
                            struct buf *json)
{
    AUTO(buf) name = {0};

    if (webhook->knobs->message_id)
        buf_str_append(&name, STR("sim-"));
    buf_str_append(&name, webhook->message_id);
    json_key_str(json, key, buf_str(&name));
}

static void answer(struct http_request *request, const struct received_webhook *webhook, int status)
{
    AUTO(buf) body = {0};
    AUTO(buf) retry_after = {0};
    struct http_answer answer = {.status = status, .content_type = STR("application/json")};

    json_open(&body, '{');
    if (webhook->knobs->message_id && status >= 200 && status < 300)
        provider_id_add(webhook, "messageId", &body);
    json_close(&body, '}');
    answer.body = buf_str(&body);
    if (webhook->knobs->retry_after_s > 0 && (status == 429 || status == 503)) {
        buf_int(&retry_after, webhook->knobs->retry_after_s);
        http_answer_add(&answer, "retry-after", buf_str(&retry_after));
    }
    http_answer(request, &answer);
}

static void carry_out(struct http_request *request, const struct received_webhook *webhook,
                      const struct verdict *verdict)
{
    if (verdict->fate == ANSWER)
        answer(request, webhook, verdict->status);
    else
        http_close(request);
}

static void on_delayed_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct delayed, timer));
}

static void delayed_end(struct delayed *delayed)
{
    list_remove(&delayed->link);
    carry_out(delayed->request, &delayed->webhook, &delayed->verdict);
    uv_close((uv_handle_t *)&delayed->timer, on_delayed_closed);
}

static void on_delay_over(uv_timer_t *timer)
{
    delayed_end(CONTAINER_OF(timer, struct delayed, timer));
}

// At most one for each connection can wait, and the server limits connections.
static void carry_out_later(struct custom_gateway *gateway, struct http_request *request,
                            const struct received_webhook *webhook, const struct verdict *verdict)
{
    struct delayed *delayed = heap_new(sizeof *delayed);
    delayed->request = request;
    delayed->webhook = *webhook;
    delayed->verdict = *verdict;
    list_append(&gateway->delayed, &delayed->link);
    ASSERT(uv_timer_init(gateway->simulator->loop, &delayed->timer) == 0);
    uv_timer_start(&delayed->timer, on_delay_over, (uint64_t)verdict->delay_ms, 0);
}

// --- receipts

static void receipt_post(struct simulator *simulator, const struct received_webhook *webhook,
                         struct posting *posting, int64_t state, int64_t code)
{
    AUTO(buf) body = {0};

    json_open(&body, '{');
    json_key_str(&body, "type", STR("receipt"));
    provider_id_add(webhook, "message_id", &body);
    json_key_int(&body, "message_state", state);
    json_key_int(&body, "result_code", code);
    json_key_str(&body, "shortcode", str_of(webhook->channel->name));
    json_close(&body, '}');
    posting->body = buf_str(&body);
    aggregator_post(simulator->aggregator, posting);
    if (simulator_hits(simulator, webhook->knobs->duplicate))
        aggregator_post(simulator->aggregator, posting);
}

static void receipts_post(struct simulator *simulator, const struct received_webhook *webhook,
                          const struct verdict *verdict, uint64_t sequence)
{
    const struct knobs *knobs = webhook->knobs;
    int64_t delay_ms = knobs->receipt_delay_ms;

    if (knobs->receipts == RECEIPTS_NONE)
        return;
    if (knobs->receipts == RECEIPTS_LATE)
        delay_ms *= LATE_FACTOR;
    struct posting posting = {.kind = POSTING_RECEIPT,
                              .channel = webhook->channel,
                              .sequence = sequence,
                              .state_then = "accepted",
                              .delay_ms = verdict->delay_ms + delay_ms};
    if (knobs->receipts == RECEIPTS_EARLY)
        posting.delay_ms = 0;
    receipt_post(simulator, webhook, &posting, 6, 0);
    posting.is_final = true;
    posting.state_then = knobs->receipt_state == 2 ? "delivered" : "undelivered";
    if (knobs->receipts != RECEIPTS_EARLY)
        posting.delay_ms += delay_ms;
    receipt_post(simulator, webhook, &posting, knobs->receipt_state, knobs->receipt_code);
}

// --- POST /gateway/{channelId}

void on_webhook(struct simulator *simulator, struct http_request *request, struct str rest)
{
    struct channel *channel = channels_get(simulator->channels, rest);
    struct received_webhook webhook = {.channel = channel,
                                       .knobs = channel_knobs(simulator->channels, channel)};
    struct err err;

    channel->counts.received++;
    if (!signature_check(simulator, request, &webhook)) {
        channel->counts.bad_signatures++;
        channel->counts.answered_error++;
        err_set(&err, ERR_UNAUTHENTICATED, "the signature does not fit body and secret");
        simulator_answer_error(request, &err);
        return;
    }
    if (!webhook_read(request, &webhook, &err)) {
        channel->counts.malformed++;
        channel->counts.answered_error++;
        simulator_answer_error(request, &err);
        return;
    }
    struct verdict verdict = verdict_make(simulator, webhook.knobs);
    bool is_first_ok;
    const struct remembered *message = remember(simulator, &webhook, &verdict, &is_first_ok);
    journal_line(simulator->journal, message);
    if (verdict_is_ok(&verdict))
        channel->counts.answered_ok++;
    else
        channel->counts.answered_error++;
    if (is_first_ok)
        receipts_post(simulator, &webhook, &verdict, message->sequence);
    if (verdict.delay_ms > 0)
        carry_out_later(simulator->gateway, request, &webhook, &verdict);
    else
        carry_out(request, &webhook, &verdict);
}

// --- end

void custom_gateway_drain(struct custom_gateway *gateway)
{
    LIST_EACH (&gateway->delayed, struct delayed, link, delayed)
        delayed_end(delayed);
}

void custom_gateway_free(struct custom_gateway **gateway)
{
    struct custom_gateway *ending = *gateway;
    size_t cursor = 0;
    struct str key;
    void *progress;

    *gateway = NULL;
    if (!ending)
        return;
    while (map_next(ending->last_order, &cursor, &key, &progress))
        free(progress);
    map_free(&ending->last_order);
    free(ending);
}
