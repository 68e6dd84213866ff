// batcher: see the header. A batch lives on exactly one of: in flight, or the list of those to run
// again.
#include "store/batcher.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/random.h"
#include "store/batch_plan.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAUSE_MIN_MS = 5, PAUSE_MAX_MS = 50, ROWS_MAX = 1000, LANES_MAX = 8 };

struct lane {
    struct batcher *batcher;
    struct list waiting; // items, oldest first
    struct list again;   // batches
    bool busy;           // a batch is in flight
};

struct batch {
    struct list link; // in lane->again
    struct lane *lane;
    size_t count;
    bool unknown; // an earlier run may have committed
    int64_t sent_us;
    struct batch_item *items[];
};

struct batcher {
    uv_loop_t *loop;
    struct pg *pg;
    const struct batch_def *def;
    void *context;
    struct lane lanes[LANES_MAX];
    size_t items;     // waiting, in flight or to run again
    uv_timer_t start; // gathers what one round of the loop brings
    uv_timer_t pause; // before batches run again
    bool pausing, closing;
    unsigned timers;
    struct random jitter;
    struct metric *rows, *duration;
    char before_commit[64], after_commit[64]; // failpoints
};

static void batches_start(struct batcher *batcher);

static struct batch *batch_new(struct lane *lane, size_t room)
{
    struct batch *batch = malloc(sizeof *batch + room * sizeof batch->items[0]);
    if (!batch)
        panic("out of memory");
    *batch = (struct batch){.lane = lane};
    return batch;
}

static void batch_free(struct batch *batch)
{
    batch->lane->batcher->items -= batch->count;
    free(batch);
}

static void item_fail(struct batcher *batcher, struct batch_item *item, bool unknown,
                      const struct err *err)
{
    struct err told = *err;

    // 503 either way, but only one of them says "it may have been stored".
    if (unknown && err->code == ERR_UNAVAILABLE)
        err_set(&told, ERR_UNKNOWN_OUTCOME, "the connection to the database was lost");
    batcher->def->failed(batcher->context, item, &told);
}

static void pause_over(uv_timer_t *timer)
{
    struct batcher *batcher = timer->data;

    batcher->pausing = false;
    batches_start(batcher);
}

static void batch_again(struct batch *batch)
{
    struct batcher *batcher = batch->lane->batcher;

    list_append(&batch->lane->again, &batch->link);
    if (batcher->pausing || batcher->closing)
        return;
    batcher->pausing = true;
    uv_timer_start(&batcher->pause, pause_over,
                   PAUSE_MIN_MS + random_below(&batcher->jitter, PAUSE_MAX_MS - PAUSE_MIN_MS), 0);
}

// Fails the items that may give up; false when none is left.
static bool batch_thin(struct batch *batch, bool all_mortals, const struct err *err)
{
    int64_t now = clock_monotonic_ms();
    size_t kept = 0, count = batch->count;

    for (size_t i = 0; i < count; i++) {
        struct batch_item *item = batch->items[i];
        if (item->deadline_ms == INT64_MAX || (!all_mortals && item->deadline_ms > now))
            batch->items[kept++] = item;
        else
            item_fail(batch->lane->batcher, item, batch->unknown, err);
    }
    batch->lane->batcher->items -= count - kept;
    batch->count = kept;
    if (kept == 0)
        batch_free(batch);
    return kept > 0;
}

static void batch_split(struct batch *batch)
{
    size_t half = batch->count / 2;
    struct batch *second = batch_new(batch->lane, batch->count - half);

    second->unknown = batch->unknown;
    second->count = batch->count - half;
    memcpy(second->items, batch->items + half, second->count * sizeof second->items[0]);
    batch->count = half;
    list_prepend(&batch->lane->again, &second->link);
    list_prepend(&batch->lane->again, &batch->link);
}

static void batch_finished(void *context, const struct pg_result *result, const struct err *err)
{
    struct batch *batch = context;
    struct batcher *batcher = batch->lane->batcher;

    batch->lane->busy = false;
    if (result) {
        // Dying here: the rows are committed and nobody was told. The client gets no answer or a
        // 503, tries again, and the statement recognises the repetition.
        failpoint(batcher->after_commit);
        if (batcher->duration)
            metric_observe(batcher->duration,
                           (double)(clock_monotonic_us() - batch->sent_us) / 1e6);
    }
    switch (batch_plan_step(err ? err->code : ERR_OK, batch->count)) {
    case BATCH_ANSWER:
        batcher->def->done(batcher->context, batch->items, batch->count, result);
        batch_free(batch);
        break;
    case BATCH_SPLIT: batch_split(batch); break;
    case BATCH_AGAIN:
        batch->unknown |= err->code == ERR_UNKNOWN_OUTCOME;
        if (batch_thin(batch, batcher->closing, err))
            batch_again(batch);
        break;
    case BATCH_GIVE_UP:
        if (batch_thin(batch, true, err))
            batch_again(batch);
        break;
    case BATCH_FAIL:
        for (size_t i = 0; i < batch->count; i++)
            item_fail(batcher, batch->items[i], batch->unknown, err);
        batch_free(batch);
        break;
    }
    batches_start(batcher);
}

static void batch_send(struct batch *batch)
{
    struct batcher *batcher = batch->lane->batcher;
    struct pg_params params;

    pg_params_init(&params);
    batcher->def->bind(batcher->context, batch->items, batch->count, &params);
    batch->sent_us = clock_monotonic_us();
    batch->lane->busy = true;
    if (batcher->rows)
        metric_observe(batcher->rows, (double)batch->count);
    // Dying here: nothing was sent, nobody was told; the gateway sends these requests to another
    // worker.
    failpoint(batcher->before_commit);
    pg_call(batcher->pg, batcher->def->statement, &params, batch_finished, batch);
}

// The oldest waiting items that fit one batch.
static struct batch *batch_gather(struct lane *lane)
{
    const struct batch_def *def = lane->batcher->def;
    uint32_t weights[ROWS_MAX];
    size_t seen = 0;

    LIST_EACH (&lane->waiting, struct batch_item, link, item) {
        if (seen == def->rows_limit)
            break;
        weights[seen++] = item->bytes;
    }
    size_t count = batch_plan_size(weights, seen, def->rows_limit, def->bytes_limit);
    struct batch *batch = batch_new(lane, count);
    for (; batch->count < count; batch->count++) {
        struct batch_item *item = LIST_FIRST(&lane->waiting, struct batch_item, link);
        list_remove(&item->link);
        batch->items[batch->count] = item;
    }
    return batch;
}

// Sends the lane's next batch, if there is one: those that run again come first, and nothing may
// overtake them.
static void lane_start(struct lane *lane)
{
    struct err late;

    while (!lane->busy && !list_is_empty(&lane->again)) {
        if (lane->batcher->pausing)
            return;
        struct batch *batch = LIST_FIRST(&lane->again, struct batch, link);
        list_remove(&batch->link);
        err_set(&late, batch->unknown ? ERR_UNKNOWN_OUTCOME : ERR_CONCURRENT,
                "the database did not take it in time");
        if (batch_thin(batch, false, &late))
            batch_send(batch);
    }
    if (!lane->busy && !list_is_empty(&lane->waiting))
        batch_send(batch_gather(lane));
}

static void batches_start(struct batcher *batcher)
{
    for (unsigned i = 0; i < batcher->def->lanes && !batcher->closing; i++)
        lane_start(&batcher->lanes[i]);
}

static void start_now(uv_timer_t *timer)
{
    batches_start(timer->data);
}

void batcher_add(struct batcher *batcher, struct batch_item *item)
{
    struct err err;

    if (batcher->def->admit && !batcher->def->admit(batcher->context, item, &err)) {
        batcher->def->failed(batcher->context, item, &err);
        return;
    }
    struct lane *lane = &batcher->lanes[item->key % batcher->def->lanes];
    list_append(&lane->waiting, &item->link);
    batcher->items++;
    if (!lane->busy && !uv_is_active((uv_handle_t *)&batcher->start))
        uv_timer_start(&batcher->start, start_now, 0, 0);
}

struct batcher *batcher_new(uv_loop_t *loop, struct pg *pg, const struct batch_def *def,
                            void *context, struct metrics *metrics)
{
    struct batcher *batcher = calloc(1, sizeof *batcher);

    if (!batcher)
        panic("out of memory");
    ASSERT(def->rows_limit > 0 && def->rows_limit <= ROWS_MAX);
    ASSERT(def->lanes > 0 && def->lanes <= LANES_MAX);
    batcher->loop = loop;
    batcher->pg = pg;
    batcher->def = def;
    batcher->context = context;
    for (unsigned i = 0; i < def->lanes; i++) {
        batcher->lanes[i].batcher = batcher;
        list_init(&batcher->lanes[i].waiting);
        list_init(&batcher->lanes[i].again);
    }
    random_bytes(&batcher->jitter.state, sizeof batcher->jitter.state);
    uv_timer_init(loop, &batcher->start);
    batcher->start.data = batcher;
    uv_timer_init(loop, &batcher->pause);
    batcher->pause.data = batcher;
    if (metrics) {
        batcher->rows = metrics_series(metrics, METRIC_BATCH_ROWS, def->name);
        batcher->duration = metrics_series(metrics, METRIC_COMMIT_DURATION, def->name);
    }
    snprintf(batcher->before_commit, sizeof batcher->before_commit, "%s.before_commit", def->name);
    snprintf(batcher->after_commit, sizeof batcher->after_commit, "%s.after_commit", def->name);
    return batcher;
}

static void timer_closed(uv_handle_t *handle)
{
    struct batcher *batcher = handle->data;

    if (--batcher->timers == 0)
        free(batcher);
}

static void lane_fail(struct lane *lane, const struct err *err)
{
    ASSERT(!lane->busy); // pg_close() answers every call first
    while (!list_is_empty(&lane->again)) {
        struct batch *batch = LIST_FIRST(&lane->again, struct batch, link);
        list_remove(&batch->link);
        for (size_t i = 0; i < batch->count; i++)
            item_fail(lane->batcher, batch->items[i], batch->unknown, err);
        batch_free(batch);
    }
    while (!list_is_empty(&lane->waiting)) {
        struct batch_item *item = LIST_FIRST(&lane->waiting, struct batch_item, link);
        list_remove(&item->link);
        lane->batcher->items--;
        item_fail(lane->batcher, item, false, err);
    }
}

void batcher_free(struct batcher **batcher_pointer)
{
    struct batcher *batcher = *batcher_pointer;
    struct err err;

    if (!batcher)
        return;
    *batcher_pointer = NULL;
    batcher->closing = true;
    err_set(&err, ERR_UNAVAILABLE, "this process is stopping");
    for (unsigned i = 0; i < batcher->def->lanes; i++)
        lane_fail(&batcher->lanes[i], &err);
    batcher->timers = 2;
    uv_close((uv_handle_t *)&batcher->start, timer_closed);
    uv_close((uv_handle_t *)&batcher->pause, timer_closed);
}

size_t batcher_waiting(const struct batcher *batcher)
{
    return batcher->items;
}
