// A file of any content is read or refused. A tree that was read can be written, and is then read as the
// same tree; any text can be a value and a key.
#include "tests/fuzz/fuzz.h"

#include "nexusctl/yaml/codec_yaml.h"

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
    const struct json_view *view = NULL;
    AUTO(buf) json = {0};
    struct err err;
    size_t fault;

    if (!str_is_utf8(bytes, &fault))
        return;
    json_open(&json, '{');
    json_key_str(&json, arena_c_string(arena, bytes), bytes);
    json_close(&json, '}');
    ASSERT(yaml_parse(buf_str(&json), arena, &view, &err));
    written_again(view, arena);
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
