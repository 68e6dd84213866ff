// statements: the SQL of the workers, numbered. Each is one call of one transaction; the functions
// it calls are in db/functions. The table is statements.def.
#pragma once

#include "io/pg.h"

enum statement {
#define STATEMENT(id, sql)     STATEMENT_##id,
#define BATCH(id, sql, answer) STATEMENT_##id,
#include "store/statements.def"
#undef STATEMENT
#undef BATCH
    STATEMENT_COUNT,
    STATEMENT_LIMIT = 2 * STATEMENT_COUNT,
};

// What does the same and keeps the answers under the Idempotency-Keys that were claimed in the same
// transaction (store/idempotency.h). The columns are the same; of a BATCH two follow: the row's
// place and the answer.
static inline unsigned statement_keeping(unsigned statement)
{
    return STATEMENT_COUNT + statement;
}

extern const struct pg_statement statements[STATEMENT_LIMIT];
