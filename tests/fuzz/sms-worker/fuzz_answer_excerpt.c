// The excerpt of a provider's answer: always short, without texts and without phone numbers.
#include "tests/fuzz/fuzz.h"

#include "sms-worker/providers/answer_excerpt.h"

enum { DIGITS_LIMIT = 7 }; // of the length of an answer, which is at most some millions of bytes

FUZZ(bytes)
{
    struct arena *arena = arena_new();
    struct str excerpt = answer_excerpt(bytes, arena);
    int digits = 0;

    ASSERT(excerpt.len > 0 && excerpt.len <= ANSWER_EXCERPT_LIMIT);
    for (size_t i = 0; i < excerpt.len; i++) {
        char c = excerpt.ptr[i];
        ASSERT(c >= ' ' && c <= '~');
        digits = c >= '0' && c <= '9' ? digits + 1 : 0;
        ASSERT(digits <= DIGITS_LIMIT);
    }
    arena_free(&arena);
}
