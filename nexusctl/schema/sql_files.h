// sql_files: the SQL of db/ as it was when this binary was built, in the order of the files' names
// (embed_sql.cmake).
#pragma once

#include <stddef.h>

struct sql_file {
    const char *name;     // "0001_base"
    const char *checksum; // SHA-256 in hex
    const char *text;
};

// One file each, in the order in which migrate runs them.
extern const struct sql_file sql_roles[];
extern const size_t sql_roles_count;
extern const struct sql_file sql_ownership[];
extern const size_t sql_ownership_count;
extern const struct sql_file sql_schema[]; // the tables of migrate itself
extern const size_t sql_schema_count;
extern const struct sql_file sql_take_tables[];
extern const size_t sql_take_tables_count;
extern const struct sql_file sql_migrations[];
extern const size_t sql_migrations_count;
extern const struct sql_file sql_functions[];
extern const size_t sql_functions_count;
extern const struct sql_file sql_undeclared[];
extern const size_t sql_undeclared_count;
extern const struct sql_file sql_grants[]; // one file
extern const size_t sql_grants_count;
extern const struct sql_file sql_row_security[]; // one file
extern const size_t sql_row_security_count;
extern const struct sql_file sql_make_way[];
extern const size_t sql_make_way_count;
