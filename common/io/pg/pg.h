// pg: PostgreSQL, pipelined. Only the files of this room know libpq.
//
//   struct pg_params params;
//   BIND(&params, CONTACT_RENAME, .tenant = tenant, .name = name);   store/statements.h
//   pg_call(pg, &params, accepted, context);                         takes the params
//
//   static void accepted(void *context, const struct pg_result *result, const struct err *err)
//
// One call is one prepared statement (common/store/statements.def), one pipeline segment and so one
// transaction. The callback runs exactly once, never from inside pg_call(), and with a result only
// after the server said ReadyForQuery: the transaction is committed and, with
// synchronous_commit=on, on disk.
//
// Errors, by what the caller may conclude (err->code):
//
//   ERR_UNAVAILABLE      nothing was written: not connected, too much is waiting, or the server is
//                        read-only (25006), and then all connections are left
//   ERR_UNKNOWN_OUTCOME  the connection was lost after sending: it is unknown whether it was
//                        committed
//   ERR_LOCKED           a lock could not be taken in time (55P03)
//   ERR_CONCURRENT       rolled back for concurrency (40001, 40P01), or because a migration was
//                        committed meanwhile (42P01, 42P10, 42703, 42883): run it again
//   ERR_POISONED         rolled back because of the data (22*, 23*): some row is bad
//   ERR_BUSY             rolled back for lack of room or time (53*, 57014)
//   ERR_BAD_INPUT, ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_CONFLICT, ERR_REPLAYED, ERR_KEY_REUSED,
//   ERR_STILL_RUNNING    raised by our own SQL as NX400, NX403, NX404, NX409, NX208, NX422, NX425;
//                        the text is its message
//   ERR_INTERNAL         any other SQLSTATE: a defect of ours
//
// A pool keeps `connections` sockets; calls go to the one with the least in flight. A lost
// connection is opened again after 100 ms, doubling to 2 s. statement_timeout is 5 s, lock_timeout
// 2 s, idle_in_transaction_session_timeout 10 s, tcp_user_timeout 5 s.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "telemetry/metrics.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct pg;
struct pg_result;

// The statements of each new connection before it is used, outside of any call; parameters are
// texts. A database that does not know a statement yet is used without it.
enum { PG_INTRODUCTION_PARAMS = 3 };
struct pg_introduction {
    // Ends the server process ($1) of the connection that this one replaces; NULL: nothing does.
    const char *replace_sql;
    const char *sql; // registers the connection; NULL: nothing
    const char *params[PG_INTRODUCTION_PARAMS];
};

struct pg_options {
    const char *url;         // postgresql://… or a conninfo string; must outlive the pool
    const char *application; // shown in pg_stat_activity
    struct pg_introduction introduction; // its texts must outlive the pool
    unsigned connections;                // 1 to 16
    unsigned waiting_limit;     // calls queued on all connections together; past it ERR_UNAVAILABLE
    unsigned statement_limit_s; // a statement that takes longer is cancelled; 0: 5 s
    struct metrics *metrics;    // counts and times calls as nexus_db_*; NULL: nobody asks
    void (*changed)(void *context, bool ready); // the first connection came, the last one went
    void *context;
};

// A statement is known by its number; text and name come from the table the program passes.
struct pg_statement {
    const char *name;
    const char *sql;
    // The number of the statement whose parameters it takes: its own, or that of a shorter form.
    unsigned parameters_of;
};

struct pg *pg_new(uv_loop_t *loop, const struct pg_options *options,
                  const struct pg_statement *statements, size_t count);
void pg_close(struct pg **pg); // calls still out are answered ERR_UNKNOWN_OUTCOME first
bool pg_ready(const struct pg *pg);
size_t pg_in_flight(const struct pg *pg);

enum { PG_PARAMS_LIMIT = 24, PG_ANY_STATEMENT = -1 };

// Parameters, all in PostgreSQL's binary format, collected in one buffer. Parameters that were
// bound for one statement (store/statements.h) cannot be used for another.
struct pg_params {
    int statement; // or PG_ANY_STATEMENT
    struct buf bytes;
    struct {
        size_t offset;
        int length; // -1: NULL
    } values[PG_PARAMS_LIMIT];
    int count;
};

void pg_params_init(struct pg_params *params);
void pg_params_release(struct pg_params *params);
void pg_null(struct pg_params *params);
void pg_bool(struct pg_params *params, bool value);
void pg_int2(struct pg_params *params, int16_t value);
void pg_int4(struct pg_params *params, int32_t value);
void pg_int8(struct pg_params *params, int64_t value);
void pg_maybe_int2(struct pg_params *params, int16_t value); // 0 -> NULL
void pg_maybe_int4(struct pg_params *params, int32_t value); // 0 -> NULL
void pg_text(struct pg_params *params,
             struct str text); // absent -> NULL; also for json, and timestamptz by cast
void pg_bytea(struct pg_params *params, struct str bytes); // absent -> NULL
void pg_id(struct pg_params *params, struct id id);        // uuid; none -> NULL

// Arrays are written element by element: open, add count elements, done.
enum pg_element {
    PG_ELEMENT_BOOL,
    PG_ELEMENT_INT2,
    PG_ELEMENT_INT4,
    PG_ELEMENT_INT8,
    PG_ELEMENT_TEXT,
    PG_ELEMENT_BYTEA,
    PG_ELEMENT_UUID
};
void pg_array(struct pg_params *params, enum pg_element element, size_t count);
void pg_add_null(struct pg_params *params);
void pg_add_bool(struct pg_params *params, bool value);
void pg_add_int2(struct pg_params *params, int16_t value);
void pg_add_int4(struct pg_params *params, int32_t value);
void pg_add_int8(struct pg_params *params, int64_t value);
void pg_add_maybe_int4(struct pg_params *params, int32_t value); // 0 -> NULL
void pg_add_text(struct pg_params *params, struct str text);     // absent -> NULL
void pg_add_bytea(struct pg_params *params, struct str bytes);   // absent -> NULL
void pg_add_id(struct pg_params *params, struct id id);          // none -> NULL
// Whole arrays; items NULL -> NULL.
struct pg_texts {
    const struct str *items;
    size_t count;
};
struct pg_ids {
    const struct id *items;
    size_t count;
};
void pg_texts(struct pg_params *params, struct pg_texts texts);
void pg_ids(struct pg_params *params, struct pg_ids ids);

typedef void pg_done_fn(void *context, const struct pg_result *result, const struct err *err);

// Takes over params (releases them). done runs later, exactly once: err NULL with the result, or
// the error.
void pg_call(struct pg *pg, struct pg_params *params, pg_done_fn *done, void *context);
// Several statements in one transaction and one round trip. If one raises, those after it do not
// run, and its error is the result of the call. The rows are those of the last one.
enum { PG_STEPS_LIMIT = 5 };
struct pg_step {
    unsigned statement;
    struct pg_params *params;
};
void pg_call_steps(struct pg *pg, const struct pg_step *steps, size_t count, pg_done_fn *done,
                   void *context);
// The same, of a statement that does the work of many requests: the metrics tell them apart.
void pg_call_batch(struct pg *pg, const struct pg_step *steps, size_t count, pg_done_fn *done,
                   void *context);
// One statement that only writes, to find out whether writes work. proves_all: when it is
// committed, nothing that batches need is missing.
void pg_call_probe(struct pg *pg, unsigned statement, bool proves_all, pg_done_fn *done,
                   void *context);

// Is it a URL or a connection string, whether a server is there or not? If it is neither, libpq's
// message would repeat parts of it, perhaps of a password; ours repeats nothing. A text that passes
// may be given to libpq, and libpq's messages may be logged.
MUST_USE bool pg_url_check(struct str url, struct err *err);

// What is unsafe in how a server is reached, for people. NULL for a server on this machine, or on
// another one whose certificate is verified.
const char *pg_url_weakness(const char *url);

// How the writes of pg_call_batch() and pg_call_probe() go. Times are clock_monotonic_ms().
enum { PG_SQLSTATE_LENGTH = 5, PG_LOCKED_PAUSE_MS = 5000 };
struct pg_writes {
    int64_t committed_ms; // when a commit, or a first connection, was last heard of; 0: never
    int64_t oldest_ms;    // when the oldest that is in flight was sent; 0: none is
    int64_t failed_ms;    // when one last failed because of the server, not because of the data
    int64_t proved_ms;    // when the last probe that proves all and was committed had been sent
    int64_t hung_ms; // when a connection was last given up, as its server process did not answer
    int64_t full_ms; // and because of lack of room (53100, 53200, 58030)
    char state[PG_SQLSTATE_LENGTH + 1]; // SQLSTATE of the last such failure
    // Calls of all kinds that waited in vain for a lock (55P03): since when without a pause of
    // PG_LOCKED_PAUSE_MS, when last, and which statement that was; 0 and NULL: none ever.
    int64_t locked_since_ms, locked_ms;
    const char *locked;
    bool read_only; // the server was left because it takes no writes
};
struct pg_writes pg_writes(const struct pg *pg);

// Reading a result: valid only inside the callback. Columns by position; what store/statements.h
// declares is read by name. A value of NULL reads as 0, false, none or absent.
size_t pg_rows(const struct pg_result *result);
bool pg_is_null(const struct pg_result *result, size_t row, int column);
bool pg_get_bool(const struct pg_result *result, size_t row, int column);
int16_t pg_get_int2(const struct pg_result *result, size_t row, int column);
int32_t pg_get_int4(const struct pg_result *result, size_t row, int column);
int64_t pg_get_int8(const struct pg_result *result, size_t row, int column);
struct str pg_get_text(const struct pg_result *result, size_t row, int column); // text, json, bytea
struct id pg_get_id(const struct pg_result *result, size_t row, int column);

// Its connections by state; lost: waiting for the next attempt.
struct pg_counts {
    unsigned connected, connecting, lost;
};
struct pg_counts pg_counts(const struct pg *pg);
