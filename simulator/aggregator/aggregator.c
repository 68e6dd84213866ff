// aggregator: a posting waits for its time (timer), then for its turn (list), then for Nexus.
#include "simulator/aggregator/aggregator.h"

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/panic.h"
#include "io/http_client/http_client.h"
#include "simulator/phone/events.h"
#include "simulator/simulator.h"

#include <stdlib.h>

enum {
    UNDER_WAY_LIMIT = 100000,
    REQUESTS_LIMIT = 64,
    ATTEMPTS_LIMIT = 10,
    FIRST_PAUSE_MS = 200,
    LONGEST_PAUSE_MS = 10000,
    ANSWER_TIMEOUT_MS = 15000
};

struct dispatch {
    uv_timer_t timer;
    struct aggregator *aggregator; // NULL once it is to be freed
    struct list all;
    struct list turn; // on the list of due ones
    struct posting posting;
    struct buf url, authorization, body;
    int attempts;
    bool is_out;
};

struct aggregator {
    struct simulator *simulator;
    struct list all, due;
    size_t under_way, out;
};

static const char *const paths[] = {
    [POSTING_MO] = "/nexus/v3/sms/message", [POSTING_RECEIPT] = "/nexus/v3/sms/receipt"};

struct aggregator *aggregator_new(struct simulator *simulator)
{
    struct aggregator *aggregator = heap_new(sizeof *aggregator);
    aggregator->simulator = simulator;
    list_init(&aggregator->all);
    list_init(&aggregator->due);
    return aggregator;
}

static void on_closed(uv_handle_t *handle)
{
    struct dispatch *dispatch = CONTAINER_OF(handle, struct dispatch, timer);

    buf_release(&dispatch->url);
    buf_release(&dispatch->authorization);
    buf_release(&dispatch->body);
    free(dispatch);
}

static void dispatch_end(struct dispatch *dispatch)
{
    dispatch->aggregator->under_way--;
    list_remove(&dispatch->all);
    if (list_is_linked(&dispatch->turn))
        list_remove(&dispatch->turn);
    dispatch->aggregator = NULL;
    if (!dispatch->is_out) // otherwise on_answer() closes it, also after an abort
        uv_close((uv_handle_t *)&dispatch->timer, on_closed);
}

void aggregator_free(struct aggregator **aggregator)
{
    struct aggregator *ending = *aggregator;

    *aggregator = NULL;
    if (!ending)
        return;
    LIST_EACH (&ending->all, struct dispatch, all, dispatch)
        dispatch_end(dispatch);
    free(ending);
}

static struct str first_of(struct str given, const char *knob, struct str configured)
{
    if (given.len > 0)
        return given;
    return knob[0] ? str_of(knob) : configured;
}

static void address_set(struct dispatch *dispatch, const struct posting *posting)
{
    const struct simulator *simulator = dispatch->aggregator->simulator;
    const struct knobs *knobs = channel_knobs(simulator->channels, posting->channel);
    const struct simulator_config *config = simulator->config;
    AUTO(buf) credentials = {0};

    buf_str_append(&dispatch->url, first_of(posting->target, knobs->target, config->target));
    buf_str_append(&dispatch->url, str_of(paths[posting->kind]));
    buf_str_append(&credentials, first_of(posting->ccid, knobs->ccid, config->ccid));
    buf_byte(&credentials, ':');
    buf_str_append(&credentials, first_of(posting->key, knobs->key, config->key));
    buf_str_append(&dispatch->authorization, STR("Basic "));
    buf_base64(&dispatch->authorization, buf_str(&credentials));
}

static void count_given_up(const struct posting *posting)
{
    if (posting->kind == POSTING_MO)
        CHANNEL_COUNT(posting->channel, mo_given_up);
    else
        CHANNEL_COUNT(posting->channel, receipts_given_up);
}

static void on_due(uv_timer_t *timer);

bool aggregator_post(struct aggregator *aggregator, const struct posting *posting)
{
    if (aggregator->under_way >= UNDER_WAY_LIMIT) {
        count_given_up(posting);
        return false;
    }
    struct dispatch *dispatch = heap_new(sizeof *dispatch);
    dispatch->aggregator = aggregator;
    dispatch->posting = *posting;
    buf_str_append(&dispatch->body, posting->body);
    address_set(dispatch, posting);
    list_append(&aggregator->all, &dispatch->all);
    aggregator->under_way++;
    if (posting->kind == POSTING_MO)
        CHANNEL_COUNT(posting->channel, mo_posted);
    else
        CHANNEL_COUNT(posting->channel, receipts_posted);
    ASSERT(uv_timer_init(aggregator->simulator->loop, &dispatch->timer) == 0);
    uv_timer_start(&dispatch->timer, on_due, (uint64_t)posting->delay_ms, 0);
    return true;
}

static void on_answer(void *context, const struct http_client_answer *answer);

static void send_due(struct aggregator *aggregator)
{
    while (aggregator->out < REQUESTS_LIMIT && !list_is_empty(&aggregator->due)) {
        struct dispatch *dispatch = LIST_FIRST(&aggregator->due, struct dispatch, turn);
        const struct http_client_header headers[] = {
            {STR("Authorization"), buf_str(&dispatch->authorization)},
            {STR("Content-Type"), STR("application/json")}};
        list_remove(&dispatch->turn);
        dispatch->is_out = true;
        dispatch->attempts++;
        aggregator->out++;
        CHANNEL_COUNT(dispatch->posting.channel, attempts);
        http_client_post(service_http_client(aggregator->simulator->service),
                         buf_str(&dispatch->url), headers, COUNT_OF(headers),
                         buf_str(&dispatch->body), ANSWER_TIMEOUT_MS, on_answer, dispatch);
    }
}

static void on_due(uv_timer_t *timer)
{
    struct dispatch *dispatch = CONTAINER_OF(timer, struct dispatch, timer);

    list_append(&dispatch->aggregator->due, &dispatch->turn);
    send_due(dispatch->aggregator);
}

static int64_t pause_ms(struct dispatch *dispatch, int64_t retry_after_s)
{
    struct random *random = dispatch->aggregator->simulator->random;
    int64_t pause = (int64_t)FIRST_PAUSE_MS << (dispatch->attempts - 1);

    if (pause > LONGEST_PAUSE_MS)
        pause = LONGEST_PAUSE_MS;
    pause = pause / 2 + (int64_t)random_below(random, (uint64_t)pause / 2 + 1);
    if (retry_after_s > 0 && retry_after_s * 1000 > pause)
        pause = retry_after_s * 1000 < LONGEST_PAUSE_MS ? retry_after_s * 1000 : LONGEST_PAUSE_MS;
    return pause;
}

static void remember(const struct dispatch *dispatch, const char *state, int status)
{
    struct simulator *simulator = dispatch->aggregator->simulator;
    const struct posting *posting = &dispatch->posting;
    struct remembered *message = history_get(simulator->history, posting->sequence);

    if (!message || !state)
        return;
    if (posting->kind == POSTING_MO) {
        message->attempts = dispatch->attempts;
        message->status = status;
    } else if (message->has_receipt && !posting->is_final) {
        return; // the first receipt was late and came after the last one
    }
    message->state = state;
    message->has_receipt |= posting->kind == POSTING_RECEIPT && posting->is_final;
    page_events_publish(simulator->events, message);
}

static void taken(struct dispatch *dispatch, int status)
{
    if (dispatch->posting.kind == POSTING_MO)
        CHANNEL_COUNT(dispatch->posting.channel, mo_accepted);
    else
        CHANNEL_COUNT(dispatch->posting.channel, receipts_accepted);
    remember(dispatch, dispatch->posting.state_then, status);
    dispatch_end(dispatch);
}

static void refused(struct dispatch *dispatch, int status, int64_t retry_after_s)
{
    const char *state = dispatch->posting.kind == POSTING_MO ? "retrying" : NULL;

    if (dispatch->attempts < ATTEMPTS_LIMIT) {
        remember(dispatch, state, status);
        uv_timer_start(&dispatch->timer, on_due, (uint64_t)pause_ms(dispatch, retry_after_s), 0);
        return;
    }
    count_given_up(&dispatch->posting);
    remember(dispatch, state ? "failed" : NULL, status);
    dispatch_end(dispatch);
}

static void on_answer(void *context, const struct http_client_answer *answer)
{
    struct dispatch *dispatch = context;
    struct aggregator *aggregator = dispatch->aggregator;
    int status = answer->outcome == HTTP_CLIENT_ANSWERED ? answer->status : 0;

    dispatch->is_out = false;
    if (!aggregator) {
        uv_close((uv_handle_t *)&dispatch->timer, on_closed);
        return;
    }
    aggregator->out--;
    if (status >= 200 && status < 300)
        taken(dispatch, status);
    else
        refused(dispatch, status, answer->retry_after_s);
    send_due(aggregator);
}
