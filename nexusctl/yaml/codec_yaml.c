// codec_yaml: libyaml parses the text into events; this file makes the tree of them.
#include "nexusctl/yaml/codec_yaml.h"

#include "base/map.h"
#include "wire/json/tree.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <yaml.h>

enum { DEPTH_LIMIT = 32, VALUES_LIMIT = 500000, WHOLE_LENGTH_LIMIT = 20, REAL_LENGTH_LIMIT = 40 };

struct yaml_reader {
    yaml_parser_t parser;
    yaml_event_t event; // the current one
    struct arena *arena;
    size_t depth, values;
    struct err *err;
};

static bool fault_at(yaml_mark_t mark, const char *what, struct err *err)
{
    return err_set(err, ERR_BAD_INPUT, "YAML: %s at line %zu, column %zu", what, mark.line + 1,
                   mark.column + 1);
}

static bool fault(struct yaml_reader *reader, const char *what)
{
    return fault_at(reader->event.start_mark, what, reader->err);
}

static bool next(struct yaml_reader *reader)
{
    yaml_event_delete(&reader->event);
    if (yaml_parser_parse(&reader->parser, &reader->event))
        return true;
    const yaml_parser_t *parser = &reader->parser;
    // For bytes that are not UTF-8 there is no line and column, only an offset.
    if (parser->error == YAML_READER_ERROR)
        return err_set(reader->err, ERR_BAD_INPUT, "YAML: %s at byte %zu", parser->problem,
                       parser->problem_offset);
    return fault_at(parser->problem_mark, parser->problem ? parser->problem : "no memory",
                    reader->err);
}

// Scalars.

static bool is_one_of(struct str text, const char *lower, const char *capital, const char *upper)
{
    return str_equal(text, str_of(lower)) || str_equal(text, str_of(capital)) ||
           str_equal(text, str_of(upper));
}

static size_t digits(struct str text, size_t from)
{
    size_t at = from;

    while (at < text.len && isdigit((unsigned char)text.ptr[at]))
        at++;
    return at;
}

// An integer of 64 bits in its normal spelling.
static bool is_whole_number(struct str text, int64_t *number)
{
    size_t start = text.len > 0 && text.ptr[0] == '-';
    char copy[WHOLE_LENGTH_LIMIT + 1] = {0};
    AUTO(buf) again = {0};

    if (text.len > WHOLE_LENGTH_LIMIT || digits(text, start) != text.len || text.len == start)
        return false;
    memcpy(copy, text.ptr, text.len);
    *number = strtoll(copy, NULL, 10); // a number that does not fit becomes another one
    buf_int(&again, *number);
    return str_equal(buf_str(&again), text);
}

// -?digits, then a fraction or an exponent or both, as JSON has them.
static bool is_real_number(struct str text, double *number)
{
    size_t start = text.len > 0 && text.ptr[0] == '-', at = digits(text, start);
    char copy[REAL_LENGTH_LIMIT + 1] = {0};

    if (text.len > REAL_LENGTH_LIMIT || at == start || at == text.len)
        return false;
    if (text.ptr[at] == '.') {
        size_t end = digits(text, at + 1);
        if (end == at + 1)
            return false;
        at = end;
    }
    if (at < text.len && tolower((unsigned char)text.ptr[at]) == 'e') {
        at += at + 1 < text.len && strchr("+-", text.ptr[at + 1]) ? 2 : 1;
        if (at >= text.len)
            return false;
        at = digits(text, at);
    }
    if (at != text.len)
        return false;
    memcpy(copy, text.ptr, text.len);
    *number = strtod(copy, NULL);
    return isfinite(*number);
}

static void plain_read(struct str text, struct json_view *view)
{
    int64_t integer;
    double real;

    view->written = text;
    if (text.len == 0 || str_equal(text, STR("~")) || is_one_of(text, "null", "Null", "NULL")) {
        view->kind = TREE_NULL;
        view->written = STR_ABSENT;
    } else if (is_one_of(text, "true", "True", "TRUE") ||
               is_one_of(text, "false", "False", "FALSE")) {
        view->kind = TREE_BOOL;
        view->flag = tolower((unsigned char)text.ptr[0]) == 't';
    } else if (is_whole_number(text, &integer)) {
        view->kind = TREE_INTEGER;
        view->integer = integer;
    } else if (is_real_number(text, &real)) {
        view->kind = TREE_REAL;
        view->real = real;
    } else {
        view->kind = TREE_TEXT;
        view->text = text;
    }
}

static bool is_text_tag(const yaml_char_t *tag)
{
    return strcmp((const char *)tag, YAML_STR_TAG) == 0 || strcmp((const char *)tag, "!") == 0;
}

static bool scalar_copy(struct yaml_reader *reader, struct str *text)
{
    const yaml_event_t *event = &reader->event;
    struct str value = str_make(event->data.scalar.value, event->data.scalar.length);
    size_t offset;

    if (event->data.scalar.anchor)
        return fault(reader, "anchors are not allowed");
    if (event->data.scalar.tag && !is_text_tag(event->data.scalar.tag))
        return fault(reader, "tags other than !!str are not allowed");
    if (!str_is_utf8(value, &offset)) // an escape can make a NUL
        return fault(reader, "a NUL in a text");
    *text = arena_copy(reader->arena, value);
    return true;
}

static bool scalar_read(struct yaml_reader *reader, struct json_view *view)
{
    struct str text;
    bool plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                 !reader->event.data.scalar.tag;

    if (!scalar_copy(reader, &text))
        return false;
    if (plain) {
        plain_read(text, view);
        return true;
    }
    view->kind = TREE_TEXT;
    view->text = text;
    return true;
}

// Collections.

static bool node_read(struct yaml_reader *reader, struct json_view *view);

static bool enter(struct yaml_reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        return fault(reader, "anchors are not allowed");
    if (tag)
        return fault(reader, "tags other than !!str are not allowed");
    if (++reader->depth > DEPTH_LIMIT)
        return fault(reader, "nested deeper than 32");
    return true;
}

static bool sequence_read(struct yaml_reader *reader, struct json_view *view)
{
    const yaml_event_t *event = &reader->event;

    if (!enter(reader, event->data.sequence_start.anchor, event->data.sequence_start.tag))
        return false;
    view->kind = TREE_ARRAY;
    while (next(reader)) {
        if (reader->event.type == YAML_SEQUENCE_END_EVENT) {
            reader->depth--;
            return true;
        }
        if (!node_read(reader, tree_add(view, STR_ABSENT, reader->arena)))
            return false;
    }
    return false;
}

static bool key_read(struct yaml_reader *reader, struct map *seen, struct str *name)
{
    bool plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    if (reader->event.type == YAML_ALIAS_EVENT)
        return fault(reader, "aliases are not allowed");
    if (reader->event.type != YAML_SCALAR_EVENT)
        return fault(reader, "a key must be a text");
    if (!scalar_copy(reader, name))
        return false;
    if (plain && str_equal(*name, STR("<<")))
        return fault(reader, "merge keys are not allowed");
    if (map_put(seen, *name, seen))
        return fault(reader, "a duplicate key");
    return true;
}

static bool members_read(struct yaml_reader *reader, struct json_view *view, struct map *seen)
{
    struct str name;

    while (next(reader)) {
        if (reader->event.type == YAML_MAPPING_END_EVENT) {
            reader->depth--;
            return true;
        }
        if (!key_read(reader, seen, &name) || !next(reader) ||
            !node_read(reader, tree_add(view, name, reader->arena)))
            return false;
    }
    return false;
}

static bool mapping_read(struct yaml_reader *reader, struct json_view *view)
{
    const yaml_event_t *event = &reader->event;

    if (!enter(reader, event->data.mapping_start.anchor, event->data.mapping_start.tag))
        return false;
    struct map *seen = map_new();
    view->kind = TREE_OBJECT;
    bool good = members_read(reader, view, seen);
    map_free(&seen);
    return good;
}

// The current event is the node's first; afterwards it is its last. Recursion ends with the depth.
static bool node_read(struct yaml_reader *reader, struct json_view *view)
{
    if (++reader->values > VALUES_LIMIT)
        return fault(reader, "more than 500000 values");
    if (reader->event.type == YAML_ALIAS_EVENT)
        return fault(reader, "aliases are not allowed");
    if (reader->event.type == YAML_SCALAR_EVENT)
        return scalar_read(reader, view);
    if (reader->event.type == YAML_SEQUENCE_START_EVENT)
        return sequence_read(reader, view);
    return mapping_read(reader, view);
}

static bool document_read(struct yaml_reader *reader, struct json_view *root)
{
    if (!next(reader) || !next(reader)) // the stream's start; the document's
        return false;
    if (reader->event.type == YAML_STREAM_END_EVENT) // nothing but comments
        return true;
    if (!next(reader) || !node_read(reader, root) || !next(reader) || !next(reader))
        return false;
    if (reader->event.type != YAML_STREAM_END_EVENT)
        return fault(reader, "a second document");
    return true;
}

// JSON is read by its own reader, because libyaml does not support surrogate pairs in escapes.
static bool is_json(struct str text, struct arena *arena, struct json_view *root)
{
    struct str trimmed = str_trim(text);
    struct err ignored;

    return (str_starts(trimmed, STR("{")) || str_starts(trimmed, STR("["))) &&
           tree_from_json(text, &(struct tree_reading){.manner = TREE_STRICT}, arena, root,
                          &ignored);
}

bool yaml_parse(struct str text, struct arena *arena, const struct json_view **view,
                struct err *err)
{
    struct json_view *root = ARENA_ALLOC(arena, struct json_view);
    struct yaml_reader reader = {.arena = arena, .err = err};

    if (is_json(text, arena, root)) {
        *view = root;
        return true;
    }
    if (!yaml_parser_initialize(&reader.parser))
        return err_set(err, ERR_INTERNAL, "YAML: no memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)(text.ptr ? text.ptr : ""),
                                 text.len);
    bool good = document_read(&reader, root);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    if (good)
        *view = root;
    return good;
}
