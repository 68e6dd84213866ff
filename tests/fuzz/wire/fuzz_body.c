// Bodies as JSON and as forms, of any declared type and encoding, for every message; the first two bytes
// choose the type and the strictness. A worker must accept the message that the gateway makes from a body. Otherwise a client could make
// the gateway send messages for which workers ban it.
#include "tests/fuzz/fuzz.h"

#include "wire/json/codec_json.h"

FUZZ(bytes)
{
    static const char *const types[] = {"application/json",
                                        "application/x-www-form-urlencoded",
                                        "text/json",
                                        "application/json; charset=utf-16",
                                        "application/x-www-form-urlencoded; charset=iso-8859-1",
                                        "application/x-www-form-urlencoded; charset=utf-16"};
    struct str type = str_of(types[fuzz_choice(&bytes, COUNT_OF(types))]);
    static const enum body_strictness manners[] = {BODY_LENIENT, BODY_TOLERANT, BODY_STRICT};
    enum body_strictness strictness = manners[fuzz_choice(&bytes, COUNT_OF(manners))];
    struct body *body = NULL;
    struct err err;

    if (!body_from_bytes(bytes, type, message_type(MSG_SMS_INBOUND), strictness, &body, &err)) {
        ASSERT(!body);
        return;
    }
    body_set_query(body, str_skip(bytes, bytes.len / 2), message_type(MSG_SMS_INBOUND));
    (void)body_operation(body);
    for (int id = 0; id < MSG_COUNT; id++) {
        const struct message_type *message_kind = message_type((enum message_id)id);
        struct arena *arena = arena_new();
        void *message, *received;
        AUTO(buf) payload = {0};

        if (body_to_message(body, message_kind, strictness, arena, &message, &err)) {
            ASSERT(message_check(message_kind, message, &err));
            message_encode(message_kind, message, &payload);
            ASSERT(payload.len > message_kind->limit ||
                   message_decode(message_kind, buf_str(&payload), arena, &received, &err));
        }
        arena_free(&arena);
    }
    body_free(&body);
}
