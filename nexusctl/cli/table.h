// table: rows for people: columns as wide as their widest cell, numbers to the right.
//
//   struct table table = {.columns = 2};
//   table_cell(&table, STR("CHANNEL"));  table_cell(&table, STR("ACCEPTED"));
//   table_cell(&table, address);         table_number(&table, 17);
//   table_print(&table, &out);           and forgets the cells
//
// A list of a JSON answer is such a table under a heading; its columns are declared:
//
//   static const struct column columns[] = {{"CCID", "ccid", NULL}, {"STATE", NULL, state_text}};
//   static const struct listing list = {"keys", columns, COUNT_OF(columns)};
//   listing_print(&list, answer, arena, &out);
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/json/codec_json.h"

enum { TABLE_COLUMNS_LIMIT = 24 };

struct table {
    size_t columns;
    size_t count;    // of cells
    struct buf text; // of all cells, each ends in a NUL
    size_t widths[TABLE_COLUMNS_LIMIT];
    bool right[TABLE_COLUMNS_LIMIT];
};

void table_cell(struct table *table, struct str text); // absent: "-"; holds no NUL
void table_number(struct table *table, int64_t number);
void table_print(struct table *table, struct buf *out);

// A column shows a member of each row ("lastAnswer.at": of an object in it): a text as it is, a number to the right, true
// and false as yes and no, a list separated by blanks. text() makes the text of a column that needs
// more than one member.
struct column {
    const char *title; // NULL in all of them: no heading
    const char *member;
    struct str (*text)(const struct json_view *row, struct arena *arena);
};

struct listing {
    const char *member; // of the answer, with the rows; NULL: the answer itself is the list of rows
    const struct column *columns;
    size_t count;
};

// Adds heading and rows; adds one more row, such as a total; prints heading and rows.
void listing_add(struct table *table, const struct listing *list, const struct json_view *answer,
                 struct arena *arena);
void listing_add_row(struct table *table, const struct listing *list, const struct json_view *row,
                     struct arena *arena);
void listing_print(const struct listing *list, const struct json_view *answer, struct arena *arena,
                   struct buf *out);
// The texts of a list, separated by blanks.
struct str texts_join(const struct json_view *texts, struct arena *arena);
