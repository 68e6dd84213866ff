// codec_form: application/x-www-form-urlencoded. A name is a path: a[b][c], a[], a[0][b], a[0].b.
// A number labels an element of an array and does not index it, so a[999999999]= costs one element.
#include "tree.h"

enum { PAIRS_LIMIT = 1000, DEPTH_LIMIT = 16 };

static bool fault(size_t pair, const char *what, struct err *err)
{
    return err_set(err, ERR_BAD_INPUT, "form: pair %zu: %s", pair, what);
}

static bool unescape(struct str escaped, struct arena *arena, struct str *text)
{
    AUTO(buf) plain = {0};
    size_t bad;

    if (!buf_percent_decode(&plain, escaped, true) || !str_is_utf8(buf_str(&plain), &bad))
        return false;
    *text = arena_copy(arena, buf_str(&plain));
    return true;
}

// Cuts the next step off a path: what stands before the next "[" or "." or inside the brackets.
static bool step_cut(struct str *path, struct str *step)
{
    size_t end = 0;
    bool bracket = path->ptr[0] == '[';

    if (bracket || path->ptr[0] == '.')
        *path = str_skip(*path, 1);
    if (bracket) {
        if (!str_cut(*path, ']', step, path))
            return false;
        return path->len == 0 || path->ptr[0] == '[' || path->ptr[0] == '.';
    }
    while (end < path->len && path->ptr[end] != '[' && path->ptr[end] != '.')
        end++;
    *step = str_make(path->ptr, end);
    *path = str_skip(*path, end);
    return end > 0;
}

static bool is_label(struct str step)
{
    for (size_t i = 0; i < step.len; i++)
        if (step.ptr[i] < '0' || step.ptr[i] > '9')
            return false;
    return true; // "" too: a[] adds an element
}

// The child that the step names, made if need be. NULL: parent holds something of another kind.
static struct json_view *step_down(struct json_view *parent, struct str step, struct arena *arena)
{
    enum tree_kind wanted = is_label(step) ? TREE_ARRAY : TREE_OBJECT;

    if (parent->kind == TREE_NULL)
        parent->kind = wanted;
    // {"2024": …} is an object that has a numeric name beside others.
    if (parent->kind != wanted && !(parent->kind == TREE_OBJECT && step.len > 0))
        return NULL;
    struct json_view *found = step.len > 0 ? tree_find(parent, step) : NULL;
    return found ? found : tree_add(parent, arena_copy(arena, step), arena);
}

static bool pair_add(struct json_view *root, size_t pair, struct str path, struct str value,
                     struct arena *arena, struct err *err)
{
    struct json_view *at = root;
    struct str step;

    for (int depth = 0; path.len > 0; depth++) {
        if (depth == DEPTH_LIMIT)
            return fault(pair, "name nested deeper than 16", err);
        if (!step_cut(&path, &step))
            return fault(pair, "malformed brackets in the name", err);
        at = step_down(at, step, arena);
        if (!at)
            return fault(pair, "its name contradicts an earlier pair", err);
    }
    if (at->kind != TREE_NULL)
        return fault(pair, "its name was given before", err);
    at->kind = TREE_TEXT;
    at->text = value;
    return true;
}

bool tree_from_form(struct str text, struct arena *arena, struct json_view *root, struct err *err)
{
    struct str pair, name, value;

    *root = (struct json_view){.kind = TREE_OBJECT};
    for (size_t count = 1; str_present(text); count++) {
        str_cut(text, '&', &pair, &text);
        if (pair.len == 0)
            continue;
        if (count > PAIRS_LIMIT)
            return err_set(err, ERR_BAD_INPUT, "form: more than %d pairs", PAIRS_LIMIT);
        str_cut(pair, '=', &name, &value);
        if (name.len == 0)
            return fault(count, "no name", err);
        if (!unescape(name, arena, &name))
            return fault(count, "its name is not percent-encoded UTF-8", err);
        if (!unescape(str_present(value) ? value : STR(""), arena, &value))
            return err_set(err, ERR_BAD_INPUT, "%.64s: not percent-encoded UTF-8", name.ptr);
        if (!pair_add(root, count, name, value, arena, err))
            return false;
    }
    return true;
}
