// codec_json: jansson reads, and its tree is copied into an arena, so that nobody else counts
// references. Depth and the number of values are measured on the bytes before jansson allocates.
#include "codec_json.h"

#include "tree.h"

#include <jansson.h>

enum { DEPTH_LIMIT = 32, VALUES_LIMIT = 20000 };

// Says where a fault is; the text itself stays out of it, it may be personal.
static bool fault_at(struct str text, size_t offset, const char *what, struct err *err)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < offset && i < text.len; i++) {
        column = text.ptr[i] == '\n' ? 1 : column + 1;
        line += text.ptr[i] == '\n';
    }
    return err_set(err, ERR_BAD_INPUT, "JSON: %s at line %zu, column %zu, byte %zu", what, line,
                   column, offset);
}

// Brackets outside strings give the depth; they and commas, which stand between values, the count.
static bool size_check(struct str text, struct err *err)
{
    size_t depth = 0, values = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
            continue;
        }
        quoted = c == '"';
        bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
        depth += opens;
        depth -= closes && depth > 0;
        values += opens || c == ',';
        if (depth > DEPTH_LIMIT)
            return fault_at(text, i, "nested deeper than 32", err);
        if (values > VALUES_LIMIT)
            return fault_at(text, i, "more than 20000 values", err);
    }
    return true;
}

static struct str copy_text(const json_t *string, struct arena *arena)
{
    return arena_copy(arena, str_make(json_string_value(string), json_string_length(string)));
}

static void copy(json_t *from, struct arena *arena, struct json_view *view)
{
    const char *name;
    json_t *member;
    size_t index;

    switch (json_typeof(from)) {
    case JSON_NULL: view->kind = TREE_NULL; break;
    case JSON_TRUE:
    case JSON_FALSE:
        view->kind = TREE_BOOL;
        view->flag = json_typeof(from) == JSON_TRUE;
        break;
    case JSON_INTEGER:
        view->kind = TREE_INTEGER;
        view->integer = json_integer_value(from);
        break;
    case JSON_REAL:
        view->kind = TREE_REAL;
        view->real = json_real_value(from);
        break;
    case JSON_STRING:
        view->kind = TREE_TEXT;
        view->text = copy_text(from, arena);
        break;
    case JSON_ARRAY:
        view->kind = TREE_ARRAY;
        json_array_foreach(from, index, member)
            copy(member, arena, tree_add(view, STR_ABSENT, arena));
        break;
    case JSON_OBJECT:
        view->kind = TREE_OBJECT;
        json_object_foreach(from, name, member)
            copy(member, arena, tree_add(view, arena_copy(arena, str_of(name)), arena));
        break;
    }
}

static void cut_before(char *sentence, const char *word)
{
    char *found = strstr(sentence, word);
    if (found)
        *found = '\0';
}

bool tree_from_json(struct str text, struct arena *arena, struct json_view *root, struct err *err)
{
    json_error_t fault;

    if (!size_check(text, err))
        return false;
    json_t *parsed = json_loadb(text.ptr ? text.ptr : "", text.len,
                                JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (!parsed) {
        cut_before(fault.text, " near ");    // an excerpt of the input follows
        cut_before(fault.text, " without "); // a flag of jansson's follows
        return fault_at(text, (size_t)fault.position, fault.text, err);
    }
    copy(parsed, arena, root);
    json_decref(parsed);
    return true;
}

bool json_parse(struct str text, struct arena *arena, const struct json_view **view,
                struct err *err)
{
    struct json_view *root = ARENA_ALLOC(arena, struct json_view);

    if (!tree_from_json(text, arena, root, err))
        return false;
    *view = root;
    return true;
}
