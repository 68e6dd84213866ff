// codec_form: application/x-www-form-urlencoded. A name is a path: a[b][c], a[], a[0][b], a[0].b.
// A number labels an element of an array and does not index it, so a[999999999]= costs one element.
#include "wire/json/tree.h"

#include "base/err.h"
#include "text/query.h"

enum { PAIRS_LIMIT = 1000, DEPTH_LIMIT = 16 };

struct form_reading {
    const struct tree_reading *what;
    struct arena *arena;
    struct err *err;
    bool is_wide; // names are in UTF-16, too
};

static bool is_lenient(const struct form_reading *reading)
{
    return reading->what->manner == TREE_LENIENT;
}

static bool fault(size_t pair, const char *what, struct err *err)
{
    return err_set(err, ERR_BAD_INPUT, "form: pair %zu: %s", pair, what);
}

// A "%" that does not begin an escape is kept.
static void percent_mend(struct str escaped, struct buf *plain)
{
    for (size_t i = 0; i < escaped.len; i++) {
        struct str three = str_make(escaped.ptr + i, escaped.len - i < 3 ? escaped.len - i : 3);
        if (escaped.ptr[i] == '%' && three.len == 3 && buf_percent_decode(plain, three, true))
            i += 2;
        else
            buf_byte(plain, (unsigned char)(escaped.ptr[i] == '+' ? ' ' : escaped.ptr[i]));
    }
}

// In a form declared as UTF-16 whose names are plain ASCII, values that are plain ASCII may also be
// unconverted.
static const struct charset *charset_of(const struct form_reading *reading, struct str bytes)
{
    const struct tree_reading *what = reading->what;

    if (!charset_is_utf16(what->charset) || reading->is_wide)
        return what->charset;
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.ptr[i] == '\0' || (unsigned char)bytes.ptr[i] >= 0x80)
            return what->charset;
    return NULL;
}

static bool unescape(const struct form_reading *reading, struct str escaped, struct str *text)
{
    const struct charset *charset = reading->what->charset;
    AUTO(buf) plain = {0};
    AUTO(buf) decoded = {0};
    size_t bad;

    if (!buf_percent_decode(&plain, escaped, true)) {
        if (!is_lenient(reading))
            return false;
        percent_mend(escaped, &plain);
    }
    bool utf8 = !charset || charset_is_utf8(charset);
    if (utf8 && str_is_utf8(buf_str(&plain), &bad)) {
        *text = arena_copy(reading->arena, buf_str(&plain));
        return true;
    }
    if (utf8 && !is_lenient(reading))
        return false;
    charset_decode(charset_of(reading, buf_str(&plain)), buf_str(&plain), &decoded);
    *text = arena_copy(reading->arena, buf_str(&decoded));
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

// The place of the pair's value; NULL with err set if there is none.
static struct json_view *place_find(struct json_view *root, size_t pair, struct str path,
                                    const struct form_reading *reading)
{
    struct json_view *at = root;
    struct str step;

    for (int depth = 0; path.len > 0; depth++) {
        if (depth == DEPTH_LIMIT) {
            fault(pair, "name nested deeper than 16", reading->err);
            return NULL;
        }
        if (!step_cut(&path, &step)) {
            fault(pair, "malformed brackets in the name", reading->err);
            return NULL;
        }
        at = step_down(at, step, reading->arena);
        if (!at) {
            fault(pair, "its name contradicts an earlier pair", reading->err);
            return NULL;
        }
    }
    return at;
}

// A pair that was sent twice is kept twice (body.c decides); a pair without a place is skipped.
static bool pair_add(struct json_view *root, size_t pair, struct str name, struct str value,
                     const struct form_reading *reading)
{
    struct json_view *at = place_find(root, pair, name, reading);

    if (!at)
        return is_lenient(reading);
    if (at->kind != TREE_NULL) {
        if (!is_lenient(reading))
            return fault(pair, "its name was used by an earlier pair", reading->err);
        if (memchr(name.ptr, '[', name.len) || memchr(name.ptr, '.', name.len))
            return true;
        at = tree_add(root, name, reading->arena);
    }
    at->kind = TREE_TEXT;
    at->text = value;
    return true;
}

static bool pair_is_read(const struct form_reading *reading, struct str name)
{
    size_t end = 0;

    if (!reading->what->is_read)
        return true;
    while (end < name.len && name.ptr[end] != '[' && name.ptr[end] != '.')
        end++;
    return reading->what->is_read(reading->what->context, STR_ABSENT, str_make(name.ptr, end));
}

static bool pair_read(struct json_view *root, size_t number, const struct query_pair *pair,
                      const struct form_reading *reading, size_t *read)
{
    struct str name = pair->name, value = pair->value;

    if (name.len == 0)
        return is_lenient(reading) || fault(number, "no name", reading->err);
    if (!unescape(reading, name, &name))
        return fault(number, "its name is not percent-encoded UTF-8", reading->err);
    if (!pair_is_read(reading, name))
        return true;
    if (++*read > PAIRS_LIMIT)
        return err_set(reading->err, ERR_BAD_INPUT, "form: more than %d pairs", PAIRS_LIMIT);
    if (!unescape(reading, str_present(value) ? value : STR(""), &value))
        return err_set(reading->err, ERR_BAD_INPUT, "%.64s: not percent-encoded UTF-8", name.ptr);
    return pair_add(root, number, name, value, reading);
}

static bool name_is_wide(struct str text)
{
    struct query_pair first;
    AUTO(buf) plain = {0};

    return query_cut(&text, &first) && buf_percent_decode(&plain, first.name, true) &&
           plain.len > 0 && memchr(plain.data, 0, plain.len);
}

bool tree_from_form(struct str text, const struct tree_reading *what, struct arena *arena,
                    struct json_view *root, struct err *err)
{
    struct form_reading reading = {.what = what, .arena = arena, .err = err};
    size_t read = 0;
    struct query_pair pair;

    reading.is_wide = charset_is_utf16(what->charset) && name_is_wide(text);
    *root = (struct json_view){.kind = TREE_OBJECT};
    for (size_t number = 1; query_cut(&text, &pair); number++) {
        bool is_empty = pair.name.len == 0 && !str_present(pair.value);
        if (!is_empty && !pair_read(root, number, &pair, &reading, &read))
            return false;
    }
    return true;
}
