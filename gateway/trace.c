// trace: see the header. 00-<32 hex>-<16 hex>-<2 hex>, lower case, ids not all zero.
#include "trace.h"

enum { TRACEPARENT_LENGTH = 55 };

static bool is_hex(struct str text, bool *all_zero)
{
    *all_zero = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        *all_zero = *all_zero && c == '0';
    }
    return true;
}

static bool is_traceparent(struct str text)
{
    bool trace_is_zero, parent_is_zero, flags_are_zero;

    return text.len == TRACEPARENT_LENGTH && str_starts(text, STR("00-")) && text.ptr[35] == '-' &&
           text.ptr[52] == '-' && is_hex(str_make(text.ptr + 3, 32), &trace_is_zero) &&
           is_hex(str_make(text.ptr + 36, 16), &parent_is_zero) &&
           is_hex(str_make(text.ptr + 53, 2), &flags_are_zero) && !trace_is_zero && !parent_is_zero;
}

static char *hex_put(char *at, uint64_t number)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[number >> shift & 15];
    return at;
}

struct str trace_parent(struct str given, struct random *random, struct arena *arena)
{
    if (str_present(given) && is_traceparent(given))
        return given;

    uint64_t ids[3];
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        ids[i] = random_next(random) | 1; // never all zero

    char *text = arena_alloc(arena, TRACEPARENT_LENGTH), *at;
    memcpy(text, "00-", 3);
    at = hex_put(text + 3, ids[0]);
    at = hex_put(at, ids[1]);
    *at++ = '-';
    at = hex_put(at, ids[2]);
    memcpy(at, "-01", 3);
    return str_make(text, TRACEPARENT_LENGTH);
}
