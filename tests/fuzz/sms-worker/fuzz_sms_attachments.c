// Lists of attachments as JSON: the result is a list that PostgreSQL can decode.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "sms-worker/inbound/sms_attachments.h"
#include "wire/json/codec_json.h"

FUZZ(bytes)
{
    struct arena *arena = arena_new();
    const struct json_view *list, *element;
    struct err err;
    struct str kept = sms_attachments(arena, bytes);

    if (str_present(kept)) {
        ASSERT(json_parse(kept, arena, &list, &err));
        for (size_t i = 0; (element = json_element(list, i)); i++) {
            const struct json_view *content = json_member(element, "content");
            AUTO(buf) decoded = {0};
            ASSERT(json_text(json_member(element, "content_type")).len > 0);
            ASSERT(json_kind(content) == TREE_OBJECT ||
                   (json_text(content).len % 4 == 0 && buf_unbase64(&decoded, json_text(content))));
        }
    }
    arena_free(&arena);
}
