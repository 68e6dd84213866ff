// table: rows for people: columns as wide as their widest cell, numbers to the right.
//
//   struct table table = {.columns = 2};
//   table_cell(&table, STR("CHANNEL"));  table_cell(&table, STR("ACCEPTED"));
//   table_cell(&table, address);         table_number(&table, 17);
//   table_print(&table, &out);           and forgets the cells
//
// A list of an answer in JSON is such a table under a heading; what it shows is declared:
//
//   static const struct column columns[] = {{"CCID", "ccid", NULL}, {"STATE", NULL, state_text}};
//   static const struct listing list = {"keys", columns, COUNT_OF(columns)};
//   listing_print(&list, answer, arena, &out);
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/codec_json.h"

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
// and false as yes and no, a list with blanks between. text() is for what a member alone does not say.
struct column {
    const char *title; // NULL in all of them: no heading
    const char *member;
    struct str (*text)(const struct json_view *row, struct arena *arena);
};

struct listing {
    const char *member; // of the answer: its rows; NULL: the answer is the rows
    const struct column *columns;
    size_t count;
};

// Heading and rows; a further row, such as a total; and all of it, printed.
void listing_add(struct table *table, const struct listing *list, const struct json_view *answer,
                 struct arena *arena);
void listing_add_row(struct table *table, const struct listing *list, const struct json_view *row,
                     struct arena *arena);
void listing_print(const struct listing *list, const struct json_view *answer, struct arena *arena,
                   struct buf *out);
// The texts of a list with blanks between.
struct str texts_join(const struct json_view *texts, struct arena *arena);
