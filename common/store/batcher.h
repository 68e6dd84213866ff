// batcher: many small jobs, one statement, one commit.
//
// Natural batching: what arrives while a commit is in flight is gathered, and goes when it is
// done; no timer. A batch holds at most rows_limit rows and bytes_limit bytes. While enough waits
// to make another batch worth its own commit (half of rows_limit), up to `lanes` batches are in
// flight, so that one is worked on while another is being flushed to disk.
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
//   ERR_POISONED         the batch is halved and both halves run again, until one bad row fails alone
//   ERR_CONCURRENT       run again as it was, after a jittered pause of up to 50 ms
//   ERR_LOCKED           somebody holds a row for longer than statements of batches wait (100 ms). The
//                        items of each key run again by themselves, in two lanes beside the others.
//                        Those of a key that is held fail after four times, and until it is free
//                        all further ones of that key go that way at once: nobody waits with them.
//                        Held keys wait for each other: where there are more of them than the
//                        lanes can try within a deadline, what is late fails unsent
//   ERR_UNKNOWN_OUTCOME  the connection broke: it may have committed. Run again once PostgreSQL is
//                        back: the statements are idempotent. Items past their deadline fail with
//                        ERR_UNKNOWN_OUTCOME
//   ERR_UNAVAILABLE      never sent: fails at once
//   ERR_BUSY             rolled back for want of room: fails at once
//   others               as ERR_POISONED; so what an Idempotency-Key stops is found, too
//
// A batch in which an item has an Idempotency-Key takes the keys and keeps their answers in the same
// transaction (store/idempotency.h); its statement must be a BATCH of statements.def. A batch
// without one costs nothing more.
//
// Items without a deadline (INT64_MAX) never fail for a database that is away or full: their
// batches run again until it is back.
//
// The deciding parts are store/batch_plan.h and store/batch_keys.h, without I/O.
#pragma once

#include "base/err.h"
#include "base/list.h"
#include "base/metrics.h"
#include "io/pg.h"
#include "store/idempotency.h"

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

struct batch_def {
    const char *name; // label of its metrics, name of its failpoints (<name>.before_commit, …)
    unsigned statement;
    size_t rows_limit, bytes_limit;
    unsigned lanes; // 1 to 8
    // Looks at an item before it waits; refuses it with an error, which failed() then gets from
    // inside batcher_add(). NULL: every item is taken.
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
