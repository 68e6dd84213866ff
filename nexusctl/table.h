// table: rows for people: columns as wide as their widest cell, numbers to the right.
//
//   struct table table = {.columns = 2};
//   table_cell(&table, STR("CHANNEL"));  table_cell(&table, STR("ACCEPTED"));
//   table_cell(&table, address);         table_number(&table, 17);
//   table_print(&table, &out);           and forgets the cells
#pragma once

#include "base/buf.h"
#include "base/str.h"

enum { TABLE_COLUMNS_LIMIT = 24 };

struct table {
    size_t columns;
    size_t count;    // of cells
    struct buf text; // of all cells, each ends in a NUL
    size_t widths[TABLE_COLUMNS_LIMIT];
    bool right[TABLE_COLUMNS_LIMIT];
};

void table_cell(struct table *table, struct str text); // absent: "-"; holds no NUL
// A moment as PostgreSQL writes it in UTC, in the form that options take: 2026-11-28T09:19:52.115Z.
void table_time(struct table *table, struct str time);
void table_number(struct table *table, int64_t number);
void table_print(struct table *table, struct buf *out);
