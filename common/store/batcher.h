// batcher: many small jobs, one statement, one commit.
//
// Natural batching: what arrives while the previous commits are in flight is gathered; when a lane
// is free and something waits, it goes at once (no timer). A batch holds at most rows_limit rows
// and bytes_limit bytes. `lanes` batches may be in flight, so that one gathers while another is
// being flushed to disk.
//
//   static const struct batch_def inbound = { .name = "sms.inbound", .statement = STATEMENT_…,
//       .rows_limit = 200, .bytes_limit = 256 * 1024, .lanes = 2, .bind = …, .done = …, .failed = …
//       };
//   batcher_add(batcher, &task->item);
//
// What the outcome of a batch means:
//   committed               done() with the rows of the result, for all items of the batch
//   ERR_POISONED            the batch is halved and both halves run again, until one bad row fails
//   alone ERR_CONCURRENT          run again as it was, after a jittered pause of up to 50 ms
//   ERR_UNKNOWN_OUTCOME     the connection broke: it may have committed. Run again once PostgreSQL
//   is back: the
//                           statements are idempotent. Items past their deadline fail with
//                           ERR_UNKNOWN_OUTCOME
//   ERR_UNAVAILABLE         never sent: fails at once
//   others                  all items fail with that error
//
// The deciding part is store/batch_plan.h, without I/O.
#pragma once

#include "base/err.h"
#include "base/list.h"
#include "base/metrics.h"
#include "io/pg.h"

#include <stddef.h>
#include <stdint.h>

struct batch_item {
    struct list link;
    uint64_t key;        // of the rows it touches: conversation, number pair
    uint32_t bytes;      // its weight
    int64_t deadline_ms; // monotonic; INT64_MAX: tries for ever (outcomes of deliveries)
};

struct batch_def {
    const char *name; // label of its metrics, name of its failpoints (<name>.before_commit, …)
    unsigned statement;
    size_t rows_limit, bytes_limit;
    unsigned lanes;
    // Looks at an item before it waits: sets its key and weight, or refuses it with an error, which
    // failed() then gets from inside batcher_add(). NULL: every item is taken as it is.
    bool (*admit)(void *context, struct batch_item *item, struct err *err);
    // Adds the parameters for these items, in the statement's order.
    void (*bind)(void *context, struct batch_item *const *items, size_t count,
                 struct pg_params *params);
    // Committed. Must finish every item.
    void (*done)(void *context, struct batch_item *const *items, size_t count,
                 const struct pg_result *result);
    void (*failed)(void *context, struct batch_item *item, const struct err *err);
};

struct batcher;
struct batcher *batcher_new(uv_loop_t *loop, struct pg *pg, const struct batch_def *def,
                            void *context, struct metrics *metrics);
void batcher_free(struct batcher **batcher); // items still waiting fail with ERR_UNAVAILABLE
void batcher_add(struct batcher *batcher, struct batch_item *item);
size_t batcher_waiting(const struct batcher *batcher); // and in flight
