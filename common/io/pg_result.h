// pg_result: what pg.c and pg_result.c share; private to the adapter.
#pragma once

#include "io/pg.h"

#include <libpq-fe.h>

struct pg_result {
    PGresult *rows;
};

// What the server says beside its answers ("terminating connection") becomes a line of the log.
void pg_notices_log(PGconn *libpq);
// Why there is no connection, in libpq's words: which host, and what it said. They hold no password.
void pg_refusal_text(const PGconn *libpq, struct buf *out);
// What the caller may conclude from a failed statement (io/pg.h lists it).
void pg_error_read(const PGresult *failed, struct err *err);
// Its SQLSTATE; libpq's own failures are those of a connection.
enum { PG_STATE_LENGTH = PG_SQLSTATE_LENGTH };
void pg_error_state(const PGresult *failed, char state[PG_STATE_LENGTH + 1]);
