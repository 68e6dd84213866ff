// pipeline: see the header.
#include "pipeline.h"

#include "answer.h"
#include "pipeline_view.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/panic.h"
#include "io/http_fetch.h"
#include "io/http_server.h"
#include "service/service.h"

#include <stdlib.h>

enum {
    FRESH_US = 1000 * 1000,
    SAMPLES = 6, // FRESH_US apart at least: enough for what pipeline_before() looks back
    PAGE_LIMIT = 2 * 1024 * 1024,
    TIMEOUT_MS = 2000,
};

struct waiter { // lives in its exchange's arena
    struct list link;
    struct exchange *exchange;
};

struct pipeline {
    struct gateway *gateway;
    struct http_fetch *fetch; // NULL: none is out
    struct list waiters;
    struct pipeline_sample samples[SAMPLES]; // the latest first
    size_t count;
    struct buf text; // of the answer to who waits
};

struct pipeline *pipeline_new(struct gateway *gateway)
{
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);

    if (!pipeline)
        panic("out of memory");
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
    struct err ours;

    if (err) {
        err_set(&ours, ERR_UNAVAILABLE, "metrics-agent cannot be read: %s", err->text);
        answer_all(pipeline, &ours);
    } else {
        memmove(&pipeline->samples[1], &pipeline->samples[0],
                (SAMPLES - 1) * sizeof pipeline->samples[0]);
        pipeline_read(page, clock_unix_us(), &pipeline->samples[0]);
        pipeline->count += pipeline->count < SAMPLES;
        answer_all(pipeline, NULL);
    }
    http_fetch_close(&pipeline->fetch);
}

static bool page_ask(struct pipeline *pipeline, struct err *err)
{
    struct gateway *gateway = pipeline->gateway;

    if (gateway->config->metrics_url.len == 0)
        return err_set(err, ERR_UNAVAILABLE, "NEXUS_METRICS_URL is empty: where is metrics-agent?");
    pipeline->fetch = http_fetch_new(service_loop(gateway->service),
                                     &(struct http_fetch_options){
                                         .url = gateway->config->metrics_url,
                                         .limit = PAGE_LIMIT,
                                         .timeout_ms = TIMEOUT_MS,
                                         .done = on_page,
                                         .context = pipeline,
                                     },
                                     err);
    err->code = pipeline->fetch ? ERR_OK : ERR_UNAVAILABLE;
    return pipeline->fetch || err_in(err, "NEXUS_METRICS_URL");
}

void pipeline_open(struct exchange *exchange)
{
    struct pipeline *pipeline = exchange->gateway->pipeline;
    struct waiter *waiter = ARENA_ALLOC(http_arena(exchange->http), struct waiter);
    struct err err = {0};

    waiter->exchange = exchange;
    list_append(&pipeline->waiters, &waiter->link);
    if (pipeline->fetch)
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
    http_fetch_close(&pipeline->fetch);
    err_set(&err, ERR_UNAVAILABLE, "the gateway stops");
    answer_all(pipeline, &err);
    buf_release(&pipeline->text);
    free(pipeline);
}
