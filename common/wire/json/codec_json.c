// codec_json: one walk over the text, from value to value, into a tree in an arena. Depth and the
// number of values are counted on the way, so the walk may call itself.
#include "wire/json/codec_json.h"

#include "base/map.h"
#include "wire/json/tree.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { DEPTH_LIMIT = 32, VALUES_LIMIT = 20000 };

// The error says where a fault is, but does not repeat the text, which may be personal.
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

struct json_reading {
    struct str text;
    size_t at, depth, values;
    const struct tree_reading *what;
    struct arena *arena;
    struct err *err;
};

static bool is_strict(const struct json_reading *reading)
{
    return reading->what->manner == TREE_STRICT;
}

static bool fault(const struct json_reading *reading, size_t at, const char *what)
{
    return fault_at(reading->text, at, what, reading->err);
}

static bool is_at(const struct json_reading *reading, char c)
{
    return reading->at < reading->text.len && reading->text.ptr[reading->at] == c;
}

static void blanks_skip(struct json_reading *reading)
{
    while (is_at(reading, ' ') || is_at(reading, '\n') || is_at(reading, '\r') ||
           is_at(reading, '\t'))
        reading->at++;
}

// At a bracket or comma, behind which a value begins.
static bool value_count(struct json_reading *reading)
{
    return ++reading->values <= VALUES_LIMIT ||
           fault(reading, reading->at, "more than 20000 values");
}

// At the bracket that opens an array or object.
static bool depth_enter(struct json_reading *reading)
{
    if (++reading->depth > DEPTH_LIMIT)
        return fault(reading, reading->at, "nested deeper than 32");
    if (!value_count(reading))
        return false;
    reading->at++;
    return true;
}

// At the bracket that closes it.
static void depth_leave(struct json_reading *reading)
{
    reading->depth--;
    reading->at++;
}

// Reports a fault just after the current byte, where something else was expected.
static bool unexpected(const struct json_reading *reading, const char *what)
{
    bool over = reading->at >= reading->text.len;
    return fault(reading, over ? reading->text.len : reading->at + 1,
                 over ? "premature end" : what);
}

// ---- texts

static void code_put(struct buf *out, uint32_t code)
{
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xC0, 0xE0, 0xF0};

    buf_byte(out, (unsigned char)(leads[more] | code >> 6 * more));
    while (more-- > 0)
        buf_byte(out, (unsigned char)(0x80 | (code >> 6 * more & 0x3F)));
}

// The four digits of \uHHHH whose backslash is at `at`; false where there is no such escape.
static bool unit_read(struct str text, size_t at, uint32_t *unit)
{
    *unit = 0;
    if (at + 6 > text.len || text.ptr[at] != '\\' || text.ptr[at + 1] != 'u')
        return false;
    for (size_t i = at + 2; i < at + 6; i++) {
        char c = text.ptr[i], lower = (char)(c | 0x20);
        bool digit = c >= '0' && c <= '9', letter = lower >= 'a' && lower <= 'f';
        if (!digit && !letter)
            return false;
        *unit = *unit << 4 | (uint32_t)(digit ? c - '0' : lower - 'a' + 10);
    }
    return true;
}

// Reads one escape at *at and moves *at behind it. False: it is none, or means no character.
static bool escape_read(struct str text, size_t *at, struct buf *out)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *found = *at + 1 < text.len ? strchr(letters, text.ptr[*at + 1]) : NULL;
    uint32_t unit, low;

    if (found && *found) {
        buf_byte(out, (unsigned char)meanings[found - letters]);
        *at += 2;
        return true;
    }
    if (!unit_read(text, *at, &unit))
        return false;
    if ((unit & 0xFC00) == 0xD800 && unit_read(text, *at + 6, &low) && (low & 0xFC00) == 0xDC00) {
        unit = 0x10000 + ((unit & 0x3FF) << 10 | (low & 0x3FF));
        *at += 6;
    }
    if (unit == 0 || (unit & 0xFFFFF800) == 0xD800)
        return false;
    code_put(out, unit);
    *at += 6;
    return true;
}

// What people wrote is kept: an escape that means no character becomes U+FFFD; a backslash that
// begins no escape stays.
static void escape_mend(struct str text, size_t *at, struct buf *out)
{
    uint32_t unit;

    if (unit_read(text, *at, &unit)) {
        buf_str_append(out, STR("\xEF\xBF\xBD"));
        *at += 6;
    } else {
        buf_byte(out, (unsigned char)text.ptr[(*at)++]);
    }
}

// begin: where inside begins in the whole text, for faults.
static bool text_unescape(const struct json_reading *reading, struct str inside, size_t begin,
                          struct buf *out)
{
    bool strict = is_strict(reading);

    for (size_t at = 0; at < inside.len;) {
        size_t plain = at;
        while (at < inside.len && inside.ptr[at] != '\\')
            if ((unsigned char)inside.ptr[at++] < 0x20 && strict)
                return fault(reading, begin + at - 1, "a control character in a text");
        buf_append(out, inside.ptr + plain, at - plain);
        if (at < inside.len && !escape_read(inside, &at, out)) {
            if (strict)
                return fault(reading, begin + at, "an escape that means no character");
            escape_mend(inside, &at, out);
        }
    }
    return true;
}

static bool text_read(struct json_reading *reading, struct str *text)
{
    size_t begin = ++reading->at, bad;
    AUTO(buf) decoded = {0};
    AUTO(buf) plain = {0};

    while (reading->at < reading->text.len && !is_at(reading, '"')) {
        reading->at += is_at(reading, '\\') ? 2 : 1;
    }
    if (reading->at >= reading->text.len)
        return fault(reading, reading->text.len, "premature end");
    struct str inside = str_make(reading->text.ptr + begin, reading->at++ - begin);
    if (!str_is_utf8(inside, &bad)) {
        if (is_strict(reading))
            return fault(reading, begin + bad, "not UTF-8");
        charset_decode(NULL, inside, &decoded);
        inside = buf_str(&decoded);
    }
    if (!text_unescape(reading, inside, begin, &plain))
        return false;
    *text = arena_copy(reading->arena, buf_str(&plain));
    return true;
}

// ---- numbers and words

static bool is_number_byte(char c)
{
    char lower = (char)(c | 0x20);
    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') || c == '+' || c == '-' ||
           c == '.' || c == '_';
}

static size_t digits_at(struct str word, size_t at)
{
    size_t count = 0;
    while (at + count < word.len && word.ptr[at + count] >= '0' && word.ptr[at + count] <= '9')
        count++;
    return count;
}

// RFC 8259, 6. *whole: without fraction and exponent.
static bool is_number(struct str word, bool *whole)
{
    size_t at = word.len > 0 && word.ptr[0] == '-', digits = digits_at(word, at);

    if (digits == 0 || (digits > 1 && word.ptr[at] == '0'))
        return false;
    at += digits;
    *whole = at == word.len;
    if (at < word.len && word.ptr[at] == '.') {
        digits = digits_at(word, at + 1);
        at += 1 + digits;
        if (digits == 0)
            return false;
    }
    if (at < word.len && (word.ptr[at] | 0x20) == 'e') {
        at++;
        at += at < word.len && (word.ptr[at] == '+' || word.ptr[at] == '-');
        digits = digits_at(word, at);
        at += digits;
        if (digits == 0)
            return false;
    }
    return at == word.len;
}

// A number that does not fit keeps its spelling.
static bool number_read(struct json_reading *reading, struct str word, bool whole,
                        struct json_view *view)
{
    view->written = arena_copy(reading->arena, word);
    errno = 0;
    long long integer = whole ? strtoll(view->written.ptr, NULL, 10) : 0;
    if (whole && errno == 0) {
        view->integer = integer;
        view->kind = TREE_INTEGER;
        view->written = STR_ABSENT;
        return true;
    }
    view->kind = TREE_REAL;
    view->real = strtod(view->written.ptr, NULL);
    if (!is_strict(reading))
        return true;
    view->written = STR_ABSENT;
    if (whole)
        return fault(reading, reading->at, "a number past 64 bits");
    return isfinite(view->real) || fault(reading, reading->at, "a number that is too large");
}

static bool word_read(struct json_reading *reading, struct json_view *view)
{
    size_t begin = reading->at;
    bool whole;

    while (reading->at < reading->text.len && is_number_byte(reading->text.ptr[reading->at]))
        reading->at++;
    struct str word = str_make(reading->text.ptr + begin, reading->at - begin);
    if (word.len == 0)
        return unexpected(reading, "a value is missing");
    if (is_number(word, &whole))
        return number_read(reading, word, whole, view);
    if (str_equal(word, STR("null")))
        return true;
    view->kind = TREE_BOOL;
    view->flag = str_equal(word, STR("true"));
    if (view->flag || str_equal(word, STR("false")))
        return true;
    // "01", "+1", ".5", "NaN": meant as a number; only its spelling can be kept.
    if (is_strict(reading) || !(strchr("+-.0123456789", word.ptr[0]) ||
                                str_equal(word, STR("NaN")) || str_equal(word, STR("Infinity"))))
        return fault(reading, reading->at, "neither a value nor a text in quotes");
    view->kind = TREE_TEXT;
    view->text = arena_copy(reading->arena, word);
    return true;
}

// ---- arrays and objects

static bool value_read(struct json_reading *reading, struct json_view *view);

// After an element or member: a comma and another one, or the end. *more says which.
static bool more_follows(struct json_reading *reading, char closing, bool *more)
{
    blanks_skip(reading);
    *more = is_at(reading, ',');
    if (!*more && !is_at(reading, closing))
        return unexpected(reading, "a comma or the closing bracket is missing");
    if (!*more) {
        depth_leave(reading);
        return true;
    }
    if (!value_count(reading))
        return false;
    reading->at++;
    blanks_skip(reading);
    return true;
}

static bool array_read(struct json_reading *reading, struct json_view *view)
{
    bool more = true;

    view->kind = TREE_ARRAY;
    if (!depth_enter(reading))
        return false;
    blanks_skip(reading);
    if (is_at(reading, ']')) {
        depth_leave(reading);
        return true;
    }
    while (more)
        if (!value_read(reading, tree_add(view, STR_ABSENT, reading->arena)) ||
            !more_follows(reading, ']', &more))
            return false;
    return true;
}

enum { NAMES_COMPARED = 16 }; // members before names are looked up in a map

// Is there another member of that name? names is made when there are too many to compare with each.
static bool name_is_taken(const struct json_view *object, struct str name, struct map **names)
{
    size_t count = object->children.count;

    if (count <= NAMES_COMPARED)
        return tree_find(object, name) != NULL;
    if (!*names) {
        *names = map_new();
        for (size_t i = 0; i < count; i++)
            map_put(*names, object->children.items[i].name, object->children.items);
    }
    if (map_get(*names, name))
        return true;
    map_put(*names, name, object->children.items);
    return false;
}

// Skips an array or object of any size and depth. Only its strings are examined, because they may
// contain brackets; nothing in it counts towards the limits.
static bool container_skip(struct json_reading *reading)
{
    size_t depth = 0;

    do {
        if (reading->at >= reading->text.len)
            return unexpected(reading, "");
        char c = reading->text.ptr[reading->at++];
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        if (c != '"')
            continue;
        while (reading->at < reading->text.len && !is_at(reading, '"'))
            reading->at += is_at(reading, '\\') ? 2 : 1;
        reading->at++;
    } while (depth > 0);
    return true;
}

static bool is_passed_over(const struct json_reading *reading, struct str wrapper, struct str name)
{
    const struct tree_reading *what = reading->what;

    return what->is_read && reading->depth <= 2 && (is_at(reading, '{') || is_at(reading, '[')) &&
           !what->is_read(what->context, reading->depth == 1 ? STR_ABSENT : wrapper, name);
}

static bool member_read(struct json_reading *reading, struct json_view *view, struct map **names)
{
    struct str name;

    if (!is_at(reading, '"'))
        return unexpected(reading, "a member's name in quotes is missing");
    if (!text_read(reading, &name))
        return false;
    // Messages of people keep both (codec_json.h); documents must be unambiguous.
    if (is_strict(reading) && name_is_taken(view, name, names))
        return fault(reading, reading->at, "a second member of that name");
    blanks_skip(reading);
    if (!is_at(reading, ':'))
        return unexpected(reading, "a colon is missing");
    reading->at++;
    blanks_skip(reading);
    if (is_passed_over(reading, view->name, name))
        return container_skip(reading);
    return value_read(reading, tree_add(view, name, reading->arena));
}

static bool object_read(struct json_reading *reading, struct json_view *view)
{
    struct map *names = NULL;
    bool more = true, good = true;

    view->kind = TREE_OBJECT;
    if (!depth_enter(reading))
        return false;
    blanks_skip(reading);
    if (is_at(reading, '}')) {
        depth_leave(reading);
        return true;
    }
    while (good && more)
        good = member_read(reading, view, &names) && more_follows(reading, '}', &more);
    if (names)
        map_free(&names);
    return good;
}

static bool value_read(struct json_reading *reading, struct json_view *view)
{
    if (is_at(reading, '{'))
        return object_read(reading, view);
    if (is_at(reading, '['))
        return array_read(reading, view);
    if (!is_at(reading, '"'))
        return word_read(reading, view);
    view->kind = TREE_TEXT;
    return text_read(reading, &view->text);
}

bool tree_from_json(struct str text, const struct tree_reading *what, struct arena *arena,
                    struct json_view *root, struct err *err)
{
    struct json_reading reading = {.text = text, .what = what, .arena = arena, .err = err};
    struct json_view read = {0};

    blanks_skip(&reading);
    if (!value_read(&reading, &read))
        return false;
    blanks_skip(&reading);
    if (reading.at < text.len)
        return unexpected(&reading, "something follows the value");
    *root = read;
    return true;
}

bool json_parse(struct str text, struct arena *arena, const struct json_view **view,
                struct err *err)
{
    struct json_view *root = ARENA_ALLOC(arena, struct json_view);

    if (!tree_from_json(text, &(struct tree_reading){.manner = TREE_STRICT}, arena, root, err))
        return false;
    *view = root;
    return true;
}
