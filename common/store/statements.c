// statements: the table, made of statements.def.
#include "store/statements.h"

// Each part is a CTE of its own, materialized, so that it runs once whatever the planner thinks.
#define KEEPING(sql)                                                                               \
    "with answered (answer) as materialized (" sql                                                 \
    "), kept as materialized (select idempotency_keep(array(select a.answer from answered a)) as " \
    "done) select a.* from answered a, kept k where k.done"

const struct pg_statement statements[STATEMENT_LIMIT] = {
#define ROW(id, place, label, text)                                                                \
    [place] = {.name = label, .sql = text, .parameters_of = STATEMENT_##id},

#define STATEMENT(id, text, parameters) ROW(id, STATEMENT_##id, #id, text)
#include "store/statements.def"
#undef STATEMENT

#define STATEMENT(id, text, parameters)                                                            \
    ROW(id, STATEMENT_COUNT + STATEMENT_##id, #id " keeping", KEEPING(text))
#include "store/statements.def"
#undef STATEMENT
};
