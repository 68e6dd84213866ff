// pipeline: see the header.
#include "gateway/pipeline/pipeline.h"

#include "gateway/answer.h"
#include "gateway/health/agent_pages.h"
#include "gateway/pipeline/pipeline_view.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "io/http_server/http_server.h"
#include "service/service.h"

#include <stdlib.h>

enum {
    FRESH_US = 1000 * 1000,
    SAMPLES = 6, // at least FRESH_US apart: enough for the time that pipeline_before() looks back
    TIMEOUT_MS = 2000, // times NEXUS_DEADLINE_FACTOR
};

struct waiter { // lives in its exchange's arena
    struct list link;
    struct exchange *exchange;
};

struct pipeline {
    struct gateway *gateway;
    bool asks; // metrics-agent, which has not answered yet
    struct list waiters;
    struct pipeline_sample samples[SAMPLES]; // the latest first
    size_t count;
    struct buf text; // of the answer to waiting requests
};

struct pipeline *pipeline_new(struct gateway *gateway)
{
    struct pipeline *pipeline = heap_new(sizeof *pipeline);
    pipeline->gateway = gateway;
    list_init(&pipeline->waiters);
    return pipeline;
}

static void answer_all(struct pipeline *pipeline, const struct err *err)
{
    struct buf *text = &pipeline->text;

    if (!err) {
        buf_clear(text);
        pipeline_write(pipeline_before(pipeline->samples, pipeline->count), &pipeline->samples[0],
                       text);
    }
    LIST_EACH (&pipeline->waiters, struct waiter, link, waiter) {
        list_remove(&waiter->link);
        if (err)
            answer_err(waiter->exchange, err);
        else
            answer_data(waiter->exchange, buf_str(text));
    }
}

static void on_page(void *context, struct str page, const struct err *err)
{
    struct pipeline *pipeline = context;

    pipeline->asks = false;
    if (!err) {
        memmove(&pipeline->samples[1], &pipeline->samples[0],
                (SAMPLES - 1) * sizeof pipeline->samples[0]);
        pipeline_read(page, clock_unix_us(), &pipeline->samples[0]);
        pipeline->count += pipeline->count < SAMPLES;
    }
    answer_all(pipeline, err);
}

static bool page_ask(struct pipeline *pipeline, struct err *err)
{
    struct gateway *gateway = pipeline->gateway;

    if (gateway->config->metrics_url.len == 0)
        return err_set(err, ERR_UNAVAILABLE,
                       "NEXUS_METRICS_URL is empty: set the address of metrics-agent");
    pipeline->asks = true;
    agent_pages_ask(gateway->agent_pages, gateway->config->metrics_url,
                    TIMEOUT_MS * gateway->config->deadline_factor, on_page, pipeline);
    return true;
}

void pipeline_open(struct exchange *exchange)
{
    struct pipeline *pipeline = exchange->gateway->pipeline;
    struct waiter *waiter = ARENA_ALLOC(http_arena(exchange->http), struct waiter);
    struct err err = {0};

    waiter->exchange = exchange;
    list_append(&pipeline->waiters, &waiter->link);
    if (pipeline->asks)
        return;
    if (pipeline->count && clock_unix_us() - pipeline->samples[0].at_us < FRESH_US)
        answer_all(pipeline, NULL);
    else if (!page_ask(pipeline, &err))
        answer_all(pipeline, &err);
}

void pipeline_free(struct pipeline **handle)
{
    struct pipeline *pipeline = *handle;
    struct err err;

    if (!pipeline)
        return;
    *handle = NULL;
    err_set(&err, ERR_UNAVAILABLE, "the gateway stops");
    answer_all(pipeline, &err);
    buf_release(&pipeline->text);
    free(pipeline);
}
