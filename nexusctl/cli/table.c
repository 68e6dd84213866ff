// table: see the header.
#include "nexusctl/cli/table.h"

#include "base/panic.h"

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

struct str texts_join(const struct json_view *texts, struct arena *arena)
{
    const struct json_view *text;
    AUTO(buf) joined = {0};

    for (size_t i = 0; (text = json_element(texts, i)) != NULL; i++)
        buf_printf(&joined, "%s%.*s", i ? " " : "", STR_ARG(json_text(text)));
    return arena_copy(arena, buf_str(&joined));
}

static const struct json_view *member_at(const struct json_view *row, const char *path)
{
    struct str name, rest = str_of(path);
    AUTO(buf) text = {0};

    while (str_present(rest)) {
        str_cut(rest, '.', &name, &rest);
        buf_clear(&text);
        buf_str_append(&text, name);
        row = json_member(row, buf_c_string(&text));
    }
    return row;
}

static void member_add(struct table *table, const struct json_view *member, struct arena *arena)
{
    int64_t number;

    if (json_number(member, &number))
        table_number(table, number);
    else if (json_kind(member) == TREE_BOOL)
        table_cell(table, json_is_true(member) ? STR("yes") : STR("no"));
    else if (json_kind(member) == TREE_ARRAY)
        table_cell(table, texts_join(member, arena));
    else
        table_cell(table, json_text(member));
}

void listing_add_row(struct table *table, const struct listing *list, const struct json_view *row,
                     struct arena *arena)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->columns[i].text)
            table_cell(table, list->columns[i].text(row, arena));
        else
            member_add(table, member_at(row, list->columns[i].member), arena);
}

void listing_add(struct table *table, const struct listing *list, const struct json_view *answer,
                 struct arena *arena)
{
    const struct json_view *rows = list->member ? json_member(answer, list->member) : answer, *row;

    table->columns = list->count;
    for (size_t i = 0; i < list->count && list->columns[0].title; i++)
        table_cell(table, str_of(list->columns[i].title));
    for (size_t i = 0; (row = json_element(rows, i)) != NULL; i++)
        listing_add_row(table, list, row, arena);
}

void listing_print(const struct listing *list, const struct json_view *answer, struct arena *arena,
                   struct buf *out)
{
    struct table table = {0};

    listing_add(&table, list, answer, arena);
    table_print(&table, out);
}
