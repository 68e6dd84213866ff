// pg_script: one connection, one thing at a time, for the operator's tool; a service uses
// io/pg/pg.h.
//
//   pg_script_open(url, "nexusctl", &script, &err);
//   pg_script_run(script, "begin", &err);
//   pg_script_ask(script, "select f($1::uuid)", &ccid, 1, arena, &answer, &err);
//   pg_script_run(script, "commit", &err);
//   pg_script_close(&script);                                an open transaction is rolled back
//
// Calls block until the server has answered. There is no time limit, because an operator's
// statement may have to read all of history, and a person can press Ctrl-C. Error codes are those
// of io/pg/pg.h; the text has the server's own words too, for here a person reads them.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct pg_script;

// Gives up after 10 s.
MUST_USE bool pg_script_open(const char *url, const char *application, struct pg_script **script,
                             struct err *err);
void pg_script_close(struct pg_script **script);

// Any number of statements, results ignored.
MUST_USE bool pg_script_run(struct pg_script *script, const char *sql, struct err *err);

// One statement; parameters and answer as text, absent is NULL. *answer is the first column of the
// first row, absent when there is none.
MUST_USE bool pg_script_ask(struct pg_script *script, const char *sql, const struct str *params,
                            size_t count, struct arena *arena, struct str *answer, struct err *err);
