// statements: the table, made of statements.def.
#include "store/statements.h"

const struct pg_statement statements[STATEMENT_COUNT] = {
#define STATEMENT(id, text) [STATEMENT_##id] = {.name = #id, .sql = text},
#include "store/statements.def"
#undef STATEMENT
};
