// tree: building, searching and writing.
#include "wire/json/tree.h"

#include "base/panic.h"

enum { FIRST_CAPACITY = 4 };

struct json_view *tree_add(struct json_view *parent, struct str name, struct arena *arena)
{
    if (parent->children.count == parent->capacity) {
        uint32_t capacity = parent->capacity ? parent->capacity * 2 : FIRST_CAPACITY;
        struct json_view *items = ARENA_ARRAY(arena, struct json_view, capacity);
        if (parent->children.count > 0)
            memcpy(items, parent->children.items, parent->children.count * sizeof *items);
        parent->children.items = items;
        parent->capacity = capacity;
    }
    struct json_view *child = &parent->children.items[parent->children.count++];
    *child = (struct json_view){.name = name};
    return child;
}

static bool is_a(const struct json_view *view, enum tree_kind kind)
{
    return view && view->kind == kind;
}

struct json_view *tree_find(const struct json_view *parent, struct str name)
{
    for (size_t i = 0; i < parent->children.count; i++)
        if (str_equal(parent->children.items[i].name, name))
            return &parent->children.items[i];
    return NULL;
}

enum tree_kind json_kind(const struct json_view *view)
{
    return view ? view->kind : TREE_NULL;
}

const struct json_view *json_member(const struct json_view *object, const char *name)
{
    return is_a(object, TREE_OBJECT) ? tree_find(object, str_of(name)) : NULL;
}

const struct json_view *json_element(const struct json_view *array, size_t index)
{
    return is_a(array, TREE_ARRAY) && index < array->children.count ? &array->children.items[index]
                                                                    : NULL;
}

struct str json_text(const struct json_view *view)
{
    return view && view->kind == TREE_TEXT ? view->text : STR_ABSENT;
}

struct str json_written(const struct json_view *view)
{
    return !view ? STR_ABSENT : view->kind == TREE_TEXT ? view->text : view->written;
}

bool json_number(const struct json_view *view, int64_t *number)
{
    if (!view || view->kind != TREE_INTEGER)
        return false;
    *number = view->integer;
    return true;
}

bool json_is_true(const struct json_view *view)
{
    return view && view->kind == TREE_BOOL && view->flag;
}

bool json_object_next(const struct json_view *object, size_t *cursor, struct str *name,
                      const struct json_view **value)
{
    if (!is_a(object, TREE_OBJECT) || *cursor >= object->children.count)
        return false;
    *value = &object->children.items[(*cursor)++];
    *name = (*value)->name;
    return true;
}

// Recursion ends: the readers refuse nesting beyond their depth limits.
void tree_write(const struct json_view *value, struct buf *out)
{
    switch (value->kind) {
    case TREE_NULL: json_nil(out); break;
    case TREE_BOOL: json_bool(out, value->flag); break;
    case TREE_INTEGER: json_int(out, value->integer); break;
    case TREE_REAL: json_double(out, value->real); break;
    case TREE_TEXT: json_str(out, value->text); break;
    case TREE_ARRAY:
        json_open(out, '[');
        for (size_t i = 0; i < value->children.count; i++)
            tree_write(&value->children.items[i], out);
        json_close(out, ']');
        break;
    case TREE_OBJECT:
        json_open(out, '{');
        for (size_t i = 0; i < value->children.count; i++) {
            json_key(out, value->children.items[i].name.ptr);
            tree_write(&value->children.items[i], out);
        }
        json_close(out, '}');
        break;
    }
}

struct str json_compact(const struct json_view *view, struct arena *arena)
{
    AUTO(buf) out = {0};
    tree_write(view, &out);
    return arena_copy(arena, buf_str(&out));
}

struct str json_squeeze(struct str json, struct arena *arena)
{
    char *out = arena_alloc(arena, json.len + 1);
    bool in_text = false;
    size_t length = 0;

    if (json.len == 0 || (json.ptr[0] != '{' && json.ptr[0] != '['))
        return json;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        if (!in_text && (c == ' ' || c == '\n'))
            continue;
        out[length++] = c;
        if (in_text && c == '\\' && i + 1 < json.len)
            out[length++] = json.ptr[++i]; // what is escaped ends no text
        else if (c == '"')
            in_text = !in_text;
    }
    out[length] = '\0';
    return str_make(out, length);
}
