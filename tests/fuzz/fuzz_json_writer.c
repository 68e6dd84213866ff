// Whatever bytes are written as JSON text, a JSON reader understands them; and they come back as
// they were if they were UTF-8.
#include "fuzz.h"

#include "base/buf.h"
#include "wire/codec_json.h"

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
