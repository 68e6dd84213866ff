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
    MEMORY_US = 60 * 1000 * 1000,
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
    struct pipeline_sample before, now; // at_us 0: there is none
    struct buf text;                    // of the answer to who waits
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
    int64_t interval_us = pipeline->now.at_us - pipeline->before.at_us;
    bool compared = pipeline->before.at_us && interval_us <= MEMORY_US;

    if (!err) {
        buf_clear(text);
        pipeline_write(compared ? &pipeline->before : NULL, &pipeline->now, text);
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
        pipeline->before = pipeline->now;
        pipeline_read(page, clock_unix_us(), &pipeline->now);
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
    if (clock_unix_us() - pipeline->now.at_us < FRESH_US)
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
