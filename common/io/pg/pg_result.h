// pg_result: what pg.c and pg_result.c share; private to the adapter.
#pragma once

#include "io/pg/pg.h"

#include <libpq-fe.h>

struct pg_result {
    PGresult *rows;
};

// Messages of the server that belong to no answer ("terminating connection") are logged.
// *was_not_replicated (if it is not NULL) becomes true when the server says that it gave up waiting
// for a synchronous standby: an operator has cancelled the statement, and PostgreSQL will report
// success.
void pg_notices_log(PGconn *libpq, bool *was_not_replicated);
// Why there is no connection, in libpq's words: which host, and what it said; never a password.
void pg_refusal_text(const PGconn *libpq, struct buf *out);
// What the caller may conclude from a failed statement (io/pg/pg.h lists it).
void pg_error_read(const PGresult *failed, struct err *err);
// Its SQLSTATE; libpq's own failures are those of a connection.
enum { PG_STATE_LENGTH = PG_SQLSTATE_LENGTH };
void pg_error_state(const PGresult *failed, char state[PG_STATE_LENGTH + 1]);
