// Bodies as JSON and as forms, for every message; the first two bytes choose. What the gateway
// makes of a body a worker must accept, or a client could make it send what workers drop it for.
#include "fuzz.h"

#include "wire/codec_json.h"

FUZZ(bytes)
{
    bool form = fuzz_choice(&bytes, 2);
    enum body_strictness strictness = fuzz_choice(&bytes, 8) ? BODY_TOLERANT : BODY_STRICT;
    struct body *body = NULL;
    struct err err;

    if (!(form ? body_from_form(bytes, &body, &err) : body_from_json(bytes, &body, &err))) {
        ASSERT(!body);
        return;
    }
    (void)body_operation(body);
    for (int id = 0; id < MSG_COUNT; id++) {
        const struct message_type *type = message_type((enum message_id)id);
        struct arena *arena = arena_new();
        void *message, *received;
        AUTO(buf) payload = {0};

        if (body_to_message(body, type, strictness, arena, &message, &err)) {
            ASSERT(message_check(type, message, &err));
            message_encode(type, message, &payload);
            ASSERT(payload.len > type->limit ||
                   message_decode(type, buf_str(&payload), arena, &received, &err));
        }
        arena_free(&arena);
    }
    body_free(&body);
}
