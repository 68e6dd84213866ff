// answer_excerpt: see the header.
#include "sms-worker/providers/answer_excerpt.h"

#include "base/buf.h"
#include "wire/json/codec_json.h"

enum { NAME_LIMIT = 32, CODE_LIMIT = 99999, DIGITS_LIMIT = 4 };

static void write_value(const struct json_view *value, bool is_code, struct buf *out);

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

// A field's name: letters, and at most a few digits after the first.
static bool is_name(struct str text)
{
    unsigned digits = 0;

    if (text.len == 0 || text.len > NAME_LIMIT || !is_letter(text.ptr[0]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        digits += digit;
        if (!digit && !is_letter(text.ptr[i]))
            return false;
    }
    return digits <= DIGITS_LIMIT;
}

static bool names_a_code(struct str name)
{
    static const struct str codes[] = {STR_INIT("code"),       STR_INIT("errorCode"),
                                       STR_INIT("error_code"), STR_INIT("status"),
                                       STR_INIT("statusCode"), STR_INIT("status_code"),
                                       STR_INIT("result"),     STR_INIT("resultCode"),
                                       STR_INIT("error"),      STR_INIT("state")};

    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (str_equal_ignoring_case(codes[i], name))
            return true;
    return false;
}

static void write_number(const struct json_view *value, bool is_code, struct buf *out)
{
    int64_t number = 0;

    if (is_code && json_number(value, &number) && number >= -CODE_LIMIT && number <= CODE_LIMIT)
        buf_int(out, number);
    else
        buf_byte(out, '#');
}

static void write_object(const struct json_view *object, struct buf *out)
{
    const struct json_view *value;
    struct str name;
    size_t cursor = 0;

    buf_byte(out, '{');
    for (bool first = true;
         out->len < ANSWER_EXCERPT_LIMIT && json_object_next(object, &cursor, &name, &value);
         first = false) {
        if (is_name(name))
            buf_printf(out, "%s\"%.*s\":", first ? "" : ",", STR_ARG(name));
        else
            buf_printf(out, "%s\"*%zu\":", first ? "" : ",", name.len);
        write_value(value, names_a_code(name), out);
    }
    buf_byte(out, '}');
}

static void write_array(const struct json_view *array, struct buf *out)
{
    const struct json_view *element;

    buf_byte(out, '[');
    for (size_t i = 0;
         out->len < ANSWER_EXCERPT_LIMIT && (element = json_element(array, i)) != NULL; i++) {
        if (i > 0)
            buf_byte(out, ',');
        write_value(element, false, out);
    }
    buf_byte(out, ']');
}

static void write_value(const struct json_view *value, bool is_code, struct buf *out)
{
    switch (json_kind(value)) {
    case TREE_NULL: buf_str_append(out, STR("null")); break;
    case TREE_BOOL: buf_str_append(out, json_is_true(value) ? STR("true") : STR("false")); break;
    case TREE_INTEGER:
    case TREE_REAL: write_number(value, is_code, out); break;
    case TREE_TEXT: buf_printf(out, "\"*%zu\"", json_text(value).len); break;
    case TREE_ARRAY: write_array(value, out); break;
    case TREE_OBJECT: write_object(value, out); break;
    }
}

struct str answer_excerpt(struct str body, struct arena *arena)
{
    AUTO(buf) out = {0};
    const struct json_view *view;
    struct err err;

    if (body.len == 0)
        return STR("an empty body");
    if (!json_parse(body, arena, &view, &err))
        return arena_printf(arena, "%zu bytes that are not JSON", body.len);
    write_value(view, false, &out);
    if (out.len > ANSWER_EXCERPT_LIMIT) // all of it is ASCII
        out.len = ANSWER_EXCERPT_LIMIT;
    return arena_copy(arena, buf_str(&out));
}
