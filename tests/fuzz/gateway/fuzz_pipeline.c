// The gateway reads /metrics and makes JSON from it. Any input must give readable JSON.
#include "tests/fuzz/fuzz.h"

#include "base/arena.h"
#include "gateway/pipeline/pipeline_view.h"
#include "wire/json/codec_json.h"

FUZZ(bytes)
{
    struct arena *arena = arena_new();
    struct pipeline_sample before, now;
    const struct json_view *view;
    struct str first;
    struct err err;
    AUTO(buf) json = {0};

    // Two scrapes with the line "---" between them.
    const char *line = memmem(bytes.ptr, bytes.len, "---\n", 4);
    first = line ? str_make(bytes.ptr, (size_t)(line - bytes.ptr)) : STR("");
    pipeline_read(first, 0, &before);
    pipeline_read(line ? str_skip(bytes, first.len + 4) : bytes, 1000000, &now);
    pipeline_write(line ? &before : NULL, &now, &json);
    ASSERT(json_parse(buf_str(&json), arena, &view, &err));
    arena_free(&arena);
}
