// Payloads of every type; the first byte chooses it. A message that is read keeps the rules of its fields,
// and can be written and read again.
#include "tests/fuzz/fuzz.h"

#include "wire/message.h"

FUZZ(bytes)
{
    const struct message_type *type = message_type(fuzz_choice(&bytes, MSG_COUNT));
    struct arena *arena = arena_new();
    void *message, *again;
    struct err err;
    AUTO(buf) first = {0};
    AUTO(buf) second = {0};

    if (message_decode(type, bytes, arena, &message, &err)) {
        ASSERT(message_check(type, message, &err));
        message_encode(type, message, &first);
        ASSERT(message_decode(type, buf_str(&first), arena, &again, &err));
        message_encode(type, again, &second);
        ASSERT(str_equal(buf_str(&first), buf_str(&second)));
    }
    arena_free(&arena);
}
