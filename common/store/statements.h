// statements: the SQL of the workers, numbered. Each is one call of one transaction; the functions
// it calls are in db/functions. The table is statements.def.
#pragma once

#include "io/pg.h"

enum statement {
#define STATEMENT(id, sql) STATEMENT_##id,
#include "store/statements.def"
#undef STATEMENT
    STATEMENT_COUNT
};

extern const struct pg_statement statements[STATEMENT_COUNT];
