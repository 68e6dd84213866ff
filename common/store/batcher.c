// batcher: see the header. A batch is either in flight or among those to run again; in both cases
// its keys are taken.
#include "store/batcher.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/panic.h"
#include "base/random.h"
#include "process/failpoint.h"
#include "store/batch_keys.h"
#include "store/batch_plan.h"
#include "store/statements.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PAUSE_MIN_MS = 5,
    PAUSE_MAX_MS = 50,
    LOCKED_TRIES = 4,
    LANES_OF_HELD = 2, // so that each of 20 keys is tried within its deadline of two seconds
    ROWS_MAX = 1000,
    LANES_MAX = 8
};

// The two tracks of batches in flight: open, and for keys of which another transaction holds, or
// held, a row.
enum track { TRACK_OPEN, TRACK_HELD, TRACKS };

struct batch {
    struct list link; // in batcher->flying or batcher->again
    struct batcher *batcher;
    struct batch_keys keys;
    size_t count;
    enum track track;
    bool unknown;    // an earlier run may have committed
    unsigned locked; // how often it found a row of its one key held by another transaction
    int64_t sent_us;
    struct batch_item *items[];
};

struct batcher {
    uv_loop_t *loop;
    struct pg *pg;
    const struct batch_def *def;
    void *context;
    struct list waiting; // items, oldest first
    size_t waiting_count;
    size_t items;       // waiting, in flight or to run again
    struct list flying; // batches
    size_t flying_count[TRACKS];
    struct list again;      // batches
    struct batch_held held; // keys of items that failed because another transaction held their rows
    uv_timer_t start;       // gathers what one round of the loop brings
    uv_timer_t pause;       // before batches run again
    bool pausing, closing;
    unsigned timers;
    struct random jitter;
    struct metric *rows, *duration;
    char before_commit[64], after_commit[64]; // failpoints
};

static void batches_start(struct batcher *batcher);

// ---- a batch

static struct batch *batch_new(struct batcher *batcher, size_t room)
{
    struct batch *batch = heap_raw(sizeof *batch + room * sizeof batch->items[0]);
    *batch = (struct batch){.batcher = batcher};
    return batch;
}

static void batch_free(struct batch *batch)
{
    batch->batcher->items -= batch->count;
    free(batch);
}

static void batch_put(struct batch *batch, struct batch_item *item)
{
    batch->items[batch->count++] = item;
    batch_keys_take(&batch->keys, item->key);
}

static void item_fail(struct batcher *batcher, struct batch_item *item, bool unknown,
                      const struct err *err)
{
    struct err told = *err;

    // Both are 503, but only one of them says that the request may have been stored.
    if (unknown && err->code == ERR_UNAVAILABLE)
        err_set(&told, ERR_UNKNOWN_OUTCOME, "the connection to the database was lost");
    batcher->def->failed(batcher->context, item, &told);
}

// Fails the items that may give up: all of them, or those past their deadline. False when none is
// left; then the batch is gone.
static bool batch_thin(struct batch *batch, bool all, const struct err *err)
{
    int64_t now = clock_monotonic_ms();
    size_t kept = 0, count = batch->count;

    for (size_t i = 0; i < count; i++) {
        struct batch_item *item = batch->items[i];
        if (item->deadline_ms == INT64_MAX || (!all && item->deadline_ms > now))
            batch->items[kept++] = item;
        else
            item_fail(batch->batcher, item, batch->unknown, err);
    }
    batch->batcher->items -= count - kept;
    batch->count = kept;
    if (kept == 0)
        batch_free(batch);
    return kept > 0;
}

static void pause_over(uv_timer_t *timer)
{
    struct batcher *batcher = timer->data;

    batcher->pausing = false;
    batches_start(batcher);
}

static void batch_again(struct batch *batch)
{
    struct batcher *batcher = batch->batcher;

    list_append(&batcher->again, &batch->link);
    if (batcher->pausing || batcher->closing)
        return;
    batcher->pausing = true;
    uv_timer_start(&batcher->pause, pause_over,
                   PAUSE_MIN_MS + random_below(&batcher->jitter, PAUSE_MAX_MS - PAUSE_MIN_MS), 0);
}

static void batch_split(struct batch *batch)
{
    struct batcher *batcher = batch->batcher;
    size_t half = batch->count / 2;
    struct batch *halves[] = {batch_new(batcher, half), batch_new(batcher, batch->count - half)};

    for (size_t i = 0; i < batch->count; i++)
        batch_put(halves[i >= half], batch->items[i]);
    for (int i = 1; i >= 0; i--) {
        halves[i]->unknown = batch->unknown;
        halves[i]->track = batch->track;
        list_prepend(&batcher->again, &halves[i]->link);
    }
    free(batch); // its items live on
}

static bool batch_has_one_key(const struct batch *batch)
{
    for (size_t i = 1; i < batch->count; i++)
        if (batch->items[i]->key != batch->items[0]->key)
            return false;
    return true;
}

// One batch for each key, so that a single wait shows which rows are held, and the other keys wait
// only that long. These batches leave the open track to others.
static void batch_part(struct batch *batch)
{
    struct batcher *batcher = batch->batcher;
    size_t left = batch->count;

    while (left > 0) {
        struct batch *part = batch_new(batcher, left);
        uint64_t key = batch->items[0]->key;
        size_t kept = 0;
        for (size_t i = 0; i < left; i++) {
            if (batch->items[i]->key == key)
                batch_put(part, batch->items[i]);
            else
                batch->items[kept++] = batch->items[i];
        }
        left = kept;
        part->unknown = batch->unknown;
        part->track = TRACK_HELD;
        list_prepend(&batcher->again, &part->link); // before those that are known to be held
    }
    free(batch); // its items live on
}

// ---- Idempotency-Keys

static bool batch_has_keys(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i]->idempotency)
            return true;
    return false;
}

static void batch_claim_bind(const struct batch *batch, struct pg_params *params)
{
    const struct idempotency *requests[ROWS_MAX];

    for (size_t i = 0; i < batch->count; i++)
        requests[i] = batch->items[i]->idempotency;
    idempotency_claim_bind(params, requests, batch->count);
}

// ---- sending and results

static void batch_finished(void *context, const struct pg_result *result, const struct err *err)
{
    struct batch *batch = context;
    struct batcher *batcher = batch->batcher;

    list_remove(&batch->link);
    batcher->flying_count[batch->track]--;
    if (result) {
        // A crash here: the rows are committed but no client was answered. The client gets no
        // answer or a 503, tries again, and the statement recognises the repetition.
        (void)failpoint(batcher->after_commit);
        if (batcher->duration)
            metric_observe(batcher->duration,
                           (double)(clock_monotonic_us() - batch->sent_us) / 1e6);
    }
    switch (batch_plan_step(err ? err->code : ERR_OK, batch->count, batch_has_one_key(batch))) {
    case BATCH_ANSWER:
        if (batch->track == TRACK_HELD)
            batch_held_drop(&batcher->held, batch->items[0]->key);
        batcher->def->done(batcher->context, batch->items, batch->count, result);
        batch_free(batch);
        break;
    case BATCH_SPLIT: batch_split(batch); break;
    case BATCH_PART: batch_part(batch); break;
    case BATCH_AGAIN:
        batch->unknown |= err->code == ERR_UNKNOWN_OUTCOME;
        if (err->code == ERR_LOCKED) {
            batch->track = TRACK_HELD;
            batch->locked++;
            batch_held_add(&batcher->held, batch->items[0]->key);
        }
        if (batch_thin(batch, batcher->closing || batch->locked >= LOCKED_TRIES, err))
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
    struct batcher *batcher = batch->batcher;
    struct pg_params params, claim;

    batcher->def->bind(batcher->context, batch->items, batch->count, &params);
    batch->sent_us = clock_monotonic_us();
    for (size_t i = 0; i < batch->count; i++)
        batch->items[i]->sent_us = batch->sent_us;
    list_append(&batcher->flying, &batch->link);
    batcher->flying_count[batch->track]++;
    if (batcher->rows)
        metric_observe(batcher->rows, (double)batch->count);
    // A crash here: nothing was sent and no client was answered; the gateway sends these requests
    // to another worker.
    (void)failpoint(batcher->before_commit);
    if (!batch_has_keys(batch)) {
        pg_call_batch(batcher->pg, &(struct pg_step){batcher->def->statement, &params}, 1,
                      batch_finished, batch);
        return;
    }
    batch_claim_bind(batch, &claim);
    const struct pg_step steps[] = {{STATEMENT_IDEMPOTENCY_CLAIM, &claim},
                                    {statement_keeping(batcher->def->statement), &params}};
    pg_call_batch(batcher->pg, steps, COUNT_OF(steps), batch_finished, batch);
}

// ---- what goes next

static bool is_held(const struct batcher *batcher, const struct batch_item *item)
{
    return batch_held_has(&batcher->held, item->key);
}

// The open track may ignore batches of held keys, because its items have other keys.
static void keys_of(const struct batcher *batcher, const struct list *batches, enum track track,
                    struct batch_keys *taken)
{
    LIST_EACH (batches, struct batch, link, batch)
        if (track == TRACK_HELD || batch->track == TRACK_OPEN || !is_held(batcher, batch->items[0]))
            batch_keys_join(taken, &batch->keys);
}

// The oldest waiting items that fit into one batch of that track and whose keys are free; on the
// track for held keys, those of one key. An item that does not fit also takes its key, so that no
// later item overtakes it. NULL when nothing can be sent.
static struct batch *batch_gather(struct batcher *batcher, enum track track)
{
    const struct batch_def *def = batcher->def;
    struct batch *batch = batch_new(batcher, def->rows_limit);
    struct batch_keys taken = {0};
    size_t bytes = 0;

    batch->track = track;
    keys_of(batcher, &batcher->flying, track, &taken);
    keys_of(batcher, &batcher->again, track, &taken);
    LIST_EACH (&batcher->waiting, struct batch_item, link, item) {
        if (!batch_plan_fits(batch->count, bytes, item->bytes, def->rows_limit, def->bytes_limit))
            break;
        if (is_held(batcher, item) != (track == TRACK_HELD))
            continue; // no key is on both
        if (batch_keys_has(&taken, item->key) ||
            (track == TRACK_HELD && batch->count > 0 && batch->items[0]->key != item->key)) {
            batch_keys_take(&taken, item->key);
            continue;
        }
        list_remove(&item->link);
        batcher->waiting_count--;
        batch_put(batch, item);
        bytes += item->bytes;
    }
    if (batch->count > 0)
        return batch;
    free(batch);
    return NULL;
}

static size_t lanes_of(const struct batcher *batcher, enum track track)
{
    return track == TRACK_HELD ? LANES_OF_HELD : batcher->def->lanes;
}

static bool has_a_lane(const struct batcher *batcher, enum track track)
{
    return batcher->flying_count[track] < lanes_of(batcher, track);
}

// Sends it, unless all its items have reached their deadline.
static void batch_send_in_time(struct batch *batch)
{
    struct err late;

    err_set(&late, batch->unknown ? ERR_UNKNOWN_OUTCOME : ERR_CONCURRENT,
            "the database did not answer in time");
    if (batch_thin(batch, false, &late))
        batch_send(batch);
}

static void batches_start(struct batcher *batcher)
{
    const struct batch_def *def = batcher->def;
    struct batch *batch;

    if (batcher->closing)
        return;
    if (!batcher->pausing) {
        LIST_EACH (&batcher->again, struct batch, link, again) {
            if (has_a_lane(batcher, again->track)) {
                list_remove(&again->link);
                batch_send_in_time(again);
            }
        }
    }
    while (batch_plan_start(batcher->waiting_count, batcher->flying_count[TRACK_OPEN], def->lanes,
                            def->rows_limit) &&
           (batch = batch_gather(batcher, TRACK_OPEN)))
        batch_send(batch);
    while (batcher->held.count > 0 && has_a_lane(batcher, TRACK_HELD) &&
           (batch = batch_gather(batcher, TRACK_HELD)))
        batch_send_in_time(batch);
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
    list_append(&batcher->waiting, &item->link);
    batcher->waiting_count++;
    batcher->items++;
    if (has_a_lane(batcher, is_held(batcher, item) ? TRACK_HELD : TRACK_OPEN) &&
        !uv_is_active((uv_handle_t *)&batcher->start))
        uv_timer_start(&batcher->start, start_now, 0, 0);
}

// ---- start and end

struct batcher *batcher_new(uv_loop_t *loop, struct pg *pg, const struct batch_def *def,
                            void *context, struct metrics *metrics)
{
    struct batcher *batcher = heap_new(sizeof *batcher);
    ASSERT(def->rows_limit > 0 && def->rows_limit <= ROWS_MAX);
    ASSERT(def->lanes > 0 && def->lanes <= LANES_MAX);
    batcher->loop = loop;
    batcher->pg = pg;
    batcher->def = def;
    batcher->context = context;
    list_init(&batcher->waiting);
    list_init(&batcher->flying);
    list_init(&batcher->again);
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

void batcher_free(struct batcher **batcher_pointer)
{
    struct batcher *batcher = *batcher_pointer;
    struct err err;

    if (!batcher)
        return;
    *batcher_pointer = NULL;
    ASSERT(list_is_empty(&batcher->flying)); // pg_close() answers every call first
    batcher->closing = true;
    err_set(&err, ERR_UNAVAILABLE, "this process is stopping");
    LIST_EACH (&batcher->again, struct batch, link, batch) {
        list_remove(&batch->link);
        for (size_t i = 0; i < batch->count; i++)
            item_fail(batcher, batch->items[i], batch->unknown, &err);
        batch_free(batch);
    }
    LIST_EACH (&batcher->waiting, struct batch_item, link, item) {
        list_remove(&item->link);
        batcher->items--;
        item_fail(batcher, item, false, &err);
    }
    batcher->timers = 2;
    uv_close((uv_handle_t *)&batcher->start, timer_closed);
    uv_close((uv_handle_t *)&batcher->pause, timer_closed);
}
