// Any bytes that are written as JSON text can be read by a JSON reader; UTF-8 is read back unchanged.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "wire/json/codec_json.h"

FUZZ(bytes)
{
    struct arena *arena = arena_new();
    const struct json_view *view;
    struct err err;
    size_t fault;
    AUTO(buf) out = {0};

    json_open(&out, '[');
    json_str(&out, bytes);
    json_close(&out, ']');
    ASSERT(json_parse(buf_str(&out), arena, &view, &err));
    struct str text = json_text(json_element(view, 0));
    ASSERT(str_is_utf8(text, &fault));
    ASSERT(!str_is_utf8(bytes, &fault) || str_equal(text, bytes));
    arena_free(&arena);
}
