// table: see the header.
#include "nexusctl/table.h"

#include "base/panic.h"

#include <ctype.h>

void table_cell(struct table *table, struct str text)
{
    size_t column = table->count++ % table->columns;
    struct str shown = str_present(text) ? text : STR("-");
    size_t width = str_utf8_length(shown);

    ASSERT(table->columns <= TABLE_COLUMNS_LIMIT);
    buf_str_append(&table->text, shown);
    buf_byte(&table->text, '\0');
    if (width > table->widths[column])
        table->widths[column] = width;
}

void table_time(struct table *table, struct str time)
{
    enum { SECONDS = 19, FRACTION = 20, DIGITS = 3 }; // "2026-11-28T09:19:52", and a point
    AUTO(buf) text = {0};

    if (time.len < SECONDS) {
        table_cell(table, time);
        return;
    }
    buf_str_append(&text, str_make(time.ptr, SECONDS));
    buf_byte(&text, '.');
    // PostgreSQL leaves out zeros at the end.
    bool ended = time.len <= SECONDS || time.ptr[SECONDS] != '.';
    for (size_t i = 0; i < DIGITS; i++) {
        ended |= FRACTION + i >= time.len || !isdigit((unsigned char)time.ptr[FRACTION + i]);
        buf_byte(&text, ended ? '0' : (unsigned char)time.ptr[FRACTION + i]);
    }
    buf_byte(&text, 'Z');
    table_cell(table, buf_str(&text));
}

void table_number(struct table *table, int64_t number)
{
    AUTO(buf) text = {0};

    table->right[table->count % table->columns] = true;
    buf_int(&text, number);
    table_cell(table, buf_str(&text));
}

static void pad(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_byte(out, ' ');
}

static void line_end(struct buf *out)
{
    while (out->len > 0 && out->data[out->len - 1] == ' ')
        out->len--;
    buf_byte(out, '\n');
}

void table_print(struct table *table, struct buf *out)
{
    struct str rest = buf_str(&table->text), cell;

    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;
        str_cut(rest, '\0', &cell, &rest);
        size_t blanks = table->widths[column] - str_utf8_length(cell);
        pad(out, table->right[column] ? blanks : 0);
        buf_str_append(out, cell);
        pad(out, 2 + (table->right[column] ? 0 : blanks));
        if (column == table->columns - 1)
            line_end(out);
    }
    buf_release(&table->text);
    *table = (struct table){0};
}
