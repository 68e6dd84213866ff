// sql_files: db/migrations and db/functions as they were when this binary was built, in the order
// of their names (embed_sql.cmake).
#pragma once

#include <stddef.h>

struct sql_file {
    const char *name;     // "0001_base"
    const char *checksum; // SHA-256 in hex
    const char *text;
};

extern const struct sql_file sql_migrations[];
extern const size_t sql_migrations_count;
extern const struct sql_file sql_functions[];
extern const size_t sql_functions_count;
