// What is kept of a provider's answer: never much, never a text, never a number of somebody.
#include "fuzz.h"

#include "sms-worker/answer_excerpt.h"

enum { DIGITS_LIMIT = 7 }; // how long an answer is, of which there are at most some millions

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
