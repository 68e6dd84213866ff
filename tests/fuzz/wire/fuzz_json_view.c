// JSON of other programs, read like a webhook's answer; its compact text means the same.
#include "tests/fuzz/fuzz.h"

#include "wire/json/codec_json.h"

FUZZ(bytes)
{
    struct arena *arena = arena_new();
    const struct json_view *view, *again, *value;
    struct str name;
    struct err err;
    int64_t number;
    size_t cursor = 0;

    if (json_parse(bytes, arena, &view, &err)) {
        (void)json_text(json_member(view, "messageId"));
        (void)json_number(json_member(json_member(view, "status"), "code"), &number);
        (void)json_is_true(json_element(view, 0));
        while (json_object_next(view, &cursor, &name, &value))
            ASSERT(json_member(view, name.ptr) == value);
        struct str compact = json_compact(view, arena);
        ASSERT(json_parse(compact, arena, &again, &err));
        ASSERT(str_equal(json_compact(again, arena), compact));
    }
    arena_free(&arena);
}
