// statements: the SQL of the workers, numbered. Each is one call of one transaction; the functions
// it calls are in db/functions. The table is statements.def, of which the plain calls are made of
// the functions themselves (statements_of_functions.cmake), and a parameter is bound by the name it
// has there:
//
//   struct pg_params params;
//   BIND(&params, DESTINATION_BREAKER, .destination = id, .seen = failures, .delay_ms = 500);
//   pg_call(pg, &params, stored, context);
//
// and a column of the result is read by the name it has there:
//
//   GET(result, row, DELIVERY_WALK, due_rows), IS_NULL(result, row, SMS_ACCEPT, bell)
//
// What is not named is 0, absent or NULL. A statement with EACH takes rows, and makes of each
// member an array:
//
//   struct row_STOP_FENCE rows[LIMIT];
//   rows[count++] = (struct row_STOP_FENCE){.tenants = tenant, .ids = id};
//   BIND_ROWS(&params, STOP_FENCE, rows, count);
//
// Of one with both bind_<id>(&params, &(struct values_<id>){…}, rows, count). A wrong name or type
// does not compile, a statement that is called with the parameters of another one panics, and
// tests/checks/statements-fit-their-functions holds the names and types against db/functions.
#pragma once

#include "io/pg/pg.h"

#include <stddef.h>

enum statement {
#define STATEMENT(id, sql, parameters) STATEMENT_##id,
#include "store/statements.def"
#undef STATEMENT
    STATEMENT_COUNT,
    STATEMENT_LIMIT = 2 * STATEMENT_COUNT,
};

// The statement that does the same and also stores the answers under the Idempotency-Keys that were
// claimed in the same transaction (store/idempotency.h). The columns are the same.
static inline unsigned statement_keeping(unsigned statement)
{
    return STATEMENT_COUNT + statement;
}

extern const struct pg_statement statements[STATEMENT_LIMIT];

// ---- types of parameters: what C calls them, and how they are bound (io/pg/pg.h)

#define VALUE_TYPE_bool       bool
#define VALUE_TYPE_int2       int16_t
#define VALUE_TYPE_int4       int32_t
#define VALUE_TYPE_int8       int64_t
#define VALUE_TYPE_maybe_int2 int16_t    // 0: NULL
#define VALUE_TYPE_maybe_int4 int32_t    // 0: NULL
#define VALUE_TYPE_text       struct str // absent: NULL; also json, and a time by cast
#define VALUE_TYPE_bytea      struct str // absent: NULL
#define VALUE_TYPE_id         struct id  // none: NULL
#define VALUE_TYPE_texts      struct pg_texts
#define VALUE_TYPE_ids        struct pg_ids

#define ELEMENT_bool       PG_ELEMENT_BOOL
#define ELEMENT_int2       PG_ELEMENT_INT2
#define ELEMENT_int4       PG_ELEMENT_INT4
#define ELEMENT_int8       PG_ELEMENT_INT8
#define ELEMENT_maybe_int4 PG_ELEMENT_INT4
#define ELEMENT_text       PG_ELEMENT_TEXT
#define ELEMENT_bytea      PG_ELEMENT_BYTEA
#define ELEMENT_id         PG_ELEMENT_UUID

// ---- struct values_<id> and struct row_<id>. C wants at least one member, so each has one unused

#define NOTHING
#define COLUMN(type, name)

#define VALUE(type, name) VALUE_TYPE_##type name;
#define EACH(type, name)
#define STATEMENT(id, sql, parameters)                                                             \
    struct values_##id {                                                                           \
        char unused;                                                                               \
        parameters                                                                                 \
    };
#include "store/statements.def"
#undef STATEMENT
#undef VALUE
#undef EACH

#define VALUE(type, name)
#define EACH(type, name) VALUE_TYPE_##type name;
#define STATEMENT(id, sql, parameters)                                                             \
    struct row_##id {                                                                              \
        char unused;                                                                               \
        parameters                                                                                 \
    };
#include "store/statements.def"
#undef STATEMENT
#undef VALUE
#undef EACH

// ---- bind_<id>(): the parameters in the order of their row

#define VALUE(type, name) pg_##type(params, values->name);
#define EACH(type, name)                                                                           \
    pg_array(params, ELEMENT_##type, count);                                                       \
    for (size_t i = 0; i < count; i++)                                                             \
        pg_add_##type(params, rows[i].name);
#define STATEMENT(id, sql, parameters)                                                             \
    static inline void bind_##id(struct pg_params *params, const struct values_##id *values,       \
                                 const struct row_##id *rows, size_t count)                        \
    {                                                                                              \
        (void)values, (void)rows, (void)count;                                                     \
        pg_params_init(params);                                                                    \
        params->statement = STATEMENT_##id;                                                        \
        parameters                                                                                 \
    }
#include "store/statements.def"
#undef STATEMENT
#undef VALUE
#undef EACH
#undef COLUMN

// ---- struct columns_<id>: a byte for each column; the offset of a member is the column's number

// clang-format off
struct column_bool { char at; };
struct column_int2 { char at; };
struct column_int4 { char at; };
struct column_int8 { char at; };
struct column_text { char at; }; // also json
struct column_bytea { char at; };
struct column_id { char at; };
// clang-format on

#define VALUE(type, name)
#define EACH(type, name)
#define COLUMN(type, name) struct column_##type name;
#define STATEMENT(id, sql, parameters)                                                             \
    struct columns_##id {                                                                          \
        parameters char unused;                                                                    \
    };
#include "store/statements.def"
#undef STATEMENT
#undef VALUE
#undef EACH
#undef COLUMN
#undef NOTHING

// Place and type are settled when this is compiled.
#define GET(result, row, id, column)                                                               \
    _Generic(((const struct columns_##id *)NULL)->column, struct column_bool                       \
             : pg_get_bool, struct column_int2                                                     \
             : pg_get_int2, struct column_int4                                                     \
             : pg_get_int4, struct column_int8                                                     \
             : pg_get_int8, struct column_text                                                     \
             : pg_get_text, struct column_bytea                                                    \
             : pg_get_text, struct column_id                                                       \
             : pg_get_id)(result, row, (int)offsetof(struct columns_##id, column))
#define IS_NULL(result, row, id, column)                                                           \
    pg_is_null(result, row, (int)offsetof(struct columns_##id, column))

#define BIND(params, id, ...)                                                                      \
    bind_##id(params, &(const struct values_##id){.unused = 0, __VA_ARGS__}, NULL, 0)
#define BIND_ROWS(params, id, rows, count) bind_##id(params, NULL, rows, count)

// Of a statement without parameters.
static inline void bind_nothing(struct pg_params *params, enum statement statement)
{
    pg_params_init(params);
    params->statement = (int)statement;
}
