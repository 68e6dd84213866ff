// statements: the table, made of statements.def.
#include "store/statements.h"

// Each part is a CTE of its own, materialized, so that it runs once whatever the planner thinks.
#define KEEPING                                                                                    \
    ", kept as materialized (select idempotency_keep(array(select a.answer from answered a)) as "  \
    "done) select a.* from answered a, kept k where k.done"
#define STATEMENT_KEEPING(sql) "with answered (answer) as materialized (" sql ")" KEEPING
#define BATCH_KEEPING(sql, answer)                                                                 \
    "with effect as materialized (select r.*, row_number() over () as place from (" sql ") r), "   \
    "answered as materialized (select e.*, " answer " as answer from effect e)" KEEPING

const struct pg_statement statements[STATEMENT_LIMIT] = {
#define STATEMENT(id, text)     [STATEMENT_##id] = {.name = #id, .sql = text},
#define BATCH(id, text, answer) [STATEMENT_##id] = {.name = #id, .sql = text},
#include "store/statements.def"
#undef STATEMENT
#undef BATCH

#define STATEMENT(id, text)                                                                        \
    [STATEMENT_COUNT + STATEMENT_##id] = {#id " keeping", STATEMENT_KEEPING(text)},
#define BATCH(id, text, answer)                                                                    \
    [STATEMENT_COUNT + STATEMENT_##id] = {#id " keeping", BATCH_KEEPING(text, answer)},
#include "store/statements.def"
#undef STATEMENT
#undef BATCH
};
