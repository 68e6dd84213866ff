// A file of any content: read or refused. What was read can be written, and is then read as the
// same tree; any text can stand as a value and as a key.
#include "fuzz.h"

#include "wire/codec_yaml.h"

static void written_again(const struct json_view *view, struct arena *arena)
{
    const struct json_view *again = NULL;
    AUTO(buf) text = {0};
    struct err err;

    yaml_write(view, &text);
    ASSERT(yaml_parse(buf_str(&text), arena, &again, &err));
    ASSERT(str_equal(json_compact(again, arena), json_compact(view, arena)));
}

static void as_value_and_key(struct str bytes, struct arena *arena)
{
    const struct json_view *view = NULL, *value = NULL;
    AUTO(buf) text = {0};
    struct err err;
    struct str name;
    size_t fault, cursor = 0;

    if (!str_is_utf8(bytes, &fault) || bytes.len > 170) // a bare key has a limit, quoted
        return;
    yaml_text(&text, bytes);
    buf_str_append(&text, STR(": "));
    yaml_text(&text, bytes);
    ASSERT(yaml_parse(buf_str(&text), arena, &view, &err));
    ASSERT(json_object_next(view, &cursor, &name, &value));
    ASSERT(str_equal(name, bytes) && str_equal(json_text(value), bytes));
}

FUZZ(bytes)
{
    struct arena *arena = arena_new();
    const struct json_view *view;
    struct err err;

    if (yaml_parse(bytes, arena, &view, &err))
        written_again(view, arena);
    as_value_and_key(bytes, arena);
    arena_free(&arena);
}
