// batcher: many small jobs, one statement, one commit.
//
// Natural batching: items that arrive while a commit is in flight are collected and sent when it is
// done; no timer. A batch holds at most rows_limit rows and bytes_limit bytes. While enough waits
// to make another batch worth its own commit (half of rows_limit), up to `lanes` batches are in
// flight, so that one is executed while another is being flushed to disk.
//
// An item's key names the rows it touches. Items of one key are never in two batches at once: they
// neither wait for each other's row locks nor overtake each other.
//
//   static const struct batch_def inbound = {
//       .name = "sms.inbound", .statement = STATEMENT_…, .rows_limit = 200,
//       .bytes_limit = 256 * 1024, .lanes = 2, .bind = …, .done = …, .failed = …};
//   batcher_add(batcher, &task->item);
//
// What the outcome of a batch means:
//
//   committed            done() with the rows of the result, for all items of the batch
//   ERR_POISONED         the batch is halved and both halves run again, until a bad row fails alone
//   ERR_CONCURRENT       run again as it was, after a jittered pause of up to 50 ms
//   ERR_LOCKED           another transaction holds a row for longer than batch statements wait
//                        (100 ms). The items of each key run again by themselves, in two separate
//                        lanes. Items of a key that is still held fail after four attempts. Until
//                        the key is free, its later items go to these lanes at once, so that items
//                        of other keys need not wait. If there are more held keys than the two
//                        lanes can try within a deadline, late items fail without being sent
//   ERR_UNKNOWN_OUTCOME  the connection broke: it may have committed. Run again once PostgreSQL is
//                        back: the statements are idempotent. Items past their deadline fail with
//                        ERR_UNKNOWN_OUTCOME
//   ERR_UNAVAILABLE      never sent: fails at once
//   ERR_BUSY             rolled back for lack of room: fails at once
//   others               as ERR_POISONED; so what an Idempotency-Key stops is found, too
//
// A batch in which an item has an Idempotency-Key takes the keys and keeps their answers in the
// same transaction (store/idempotency.h); the first column of its statement must be the answers. A
// batch without one costs nothing more.
//
// Items without a deadline (INT64_MAX) never fail because the database is away or full: their
// batches run again until it is back.
//
// The deciding parts are store/batch_plan.h and store/batch_keys.h, without I/O.
#pragma once

#include "base/err.h"
#include "base/list.h"
#include "io/pg/pg.h"
#include "store/idempotency.h"
#include "telemetry/metrics.h"

#include <stddef.h>
#include <stdint.h>

struct batch_item {
    struct list link;
    uint64_t key;        // of the rows it touches: conversation, number pair
    uint32_t bytes;      // its weight
    int64_t deadline_ms; // monotonic; INT64_MAX: tries for ever (outcomes of deliveries)
    int64_t sent_us;     // when its last batch was sent; 0: in none yet
    struct idempotency *idempotency; // NULL: comes without a key
};

enum { BATCH_ROWS_LIMIT = 200 }; // the rows_limit of most batches, for arrays of their rows

struct batch_def {
    const char *name; // label of its metrics, name of its failpoints (<name>.before_commit, …)
    unsigned statement;
    size_t rows_limit, bytes_limit;
    unsigned lanes; // 1 to 8
    // Checks an item before it waits; may refuse it with an error, which failed() then gets from
    // inside batcher_add(). NULL: every item is accepted.
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
