// pg_connection: one connection of a pool, from connecting to the next attempt after it was lost;
// what pg.c and pg_connection.c share, private to the adapter. A connection that is PG_READY is in
// pipeline mode and may be sent calls; one that is lost ends its calls with ERR_UNKNOWN_OUTCOME and
// opens itself again, after 100 ms, doubling to 2 s.
#pragma once

#include "base/list.h"
#include "io/pg/pg_result.h"

enum { PG_CONNECTIONS_LIMIT = 16 };

enum pg_method { PG_QUERY, PG_BATCH, PG_TRANSACTION };
enum pg_command { PG_SELECT, PG_INSERT, PG_UPDATE, PG_DELETE, PG_OTHER, PG_COMMANDS };

struct pg_call {
    struct list link;
    unsigned statements[PG_STEPS_LIMIT];
    int count;
    bool prepares[PG_STEPS_LIMIT]; // a Parse goes before them, and its answer is not here yet
    pg_done_fn *done;
    void *context;
    int64_t sent_us; // 0: it was not
    enum pg_method method;
    bool writes;                              // counts for pg_writes()
    bool proves_all;                          // pg_call_probe()
    enum pg_command commands[PG_STEPS_LIMIT]; // of those that were answered
    int answered;
    PGresult *rows;
    bool failed;
    char state[PG_STATE_LENGTH + 1]; // SQLSTATE, where it failed
    struct err err;
};

enum pg_connection_state { PG_DISCONNECTED, PG_CONNECTING, PG_CHECKING, PG_INTRODUCING, PG_READY };

struct pg_connection {
    struct pg *pg;
    enum pg_connection_state state;
    PGconn *libpq;
    uv_poll_t *watch; // of libpq's present socket; its own memory, because closing it takes a turn
                      // of the loop
    uv_timer_t retry;
    int64_t since_ms; // of the state
    uint64_t backoff_ms;
    struct list calls; // in flight, oldest first
    size_t call_count;
    bool *prepared;          // by statement
    bool refuses_writes;     // the server is read-only: a standby, or by its settings
    bool was_not_replicated; // the transaction that ends next has not waited for its standby
    int left_pid; // the server process of the connection before, which may still run; 0: none
    bool is_introduced;
};

struct pg_metrics;

struct pg {
    uv_loop_t *loop;
    struct pg_options options;
    const struct pg_statement *statements;
    size_t statement_count;
    struct pg_connection connections[PG_CONNECTIONS_LIMIT];
    size_t in_flight;
    struct list refused; // could not be sent; answered from the loop, never from pg_call()
    uv_timer_t refusal;
    uv_timer_t watch;
    unsigned connected;
    struct pg_metrics *metrics;
    struct pg_writes writes;
    bool closing;
    unsigned timers; // still open while closing
};

// A zeroed one, whose prepared has room for every statement, begins to connect.
void pg_connection_start(struct pg_connection *connection, struct pg *pg);
void pg_connection_lost(struct pg_connection *connection, const char *why);
// Sends what libpq holds as far as the socket takes it, and waits for what the server says.
void pg_connection_poll(struct pg_connection *connection);
// Leaves a server that was found to be read-only; the same one, or another one of the URL, is taken
// when it lets us write.
void pg_leave_read_only(struct pg *pg);
// Loses it where the server has been silent for too long. Call it every half second.
void pg_connection_watch_silence(struct pg_connection *connection, int64_t now_ms);

// pg.c's side: results of a connection that is PG_READY have come; its oldest call is over.
void pg_results_read(struct pg_connection *connection);
void pg_call_pop(struct pg_connection *connection);
