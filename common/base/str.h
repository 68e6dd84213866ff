// str: borrowed bytes with their length; they may contain NULs and need not end in one.
// A plain value, passed by value. {NULL, 0} is "absent"; {"", 0} is "present and empty".
#pragma once

#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){.ptr = (literal), .len = sizeof(literal) - 1})
#define STR_ABSENT   ((struct str){.ptr = NULL, .len = 0})
// The same in the initialiser of a static table, where C17 wants no compound literal.
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        .ptr = (literal), .len = sizeof(literal) - 1                                               \
    }
// For printf's "%.*s".
#define STR_ARG(text) (int)(text).len, (text).ptr ? (text).ptr : ""

static inline struct str str_of(const char *text)
{
    return (struct str){.ptr = text, .len = text ? strlen(text) : 0};
}

static inline struct str str_make(const void *ptr, size_t len)
{
    return (struct str){.ptr = ptr, .len = len};
}

static inline bool str_present(struct str text)
{
    return text.ptr != NULL;
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_starts(struct str text, struct str prefix)
{
    return text.len >= prefix.len &&
           (prefix.len == 0 || memcmp(text.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool str_ends(struct str text, struct str suffix)
{
    return text.len >= suffix.len &&
           memcmp(text.ptr + text.len - suffix.len, suffix.ptr, suffix.len) == 0;
}
static inline struct str str_skip(struct str text, size_t count)
{
    // C does not allow NULL + 0, and an absent text has no bytes to skip.
    return (struct str){.ptr = count ? text.ptr + count : text.ptr, .len = text.len - count};
}

// ASCII only, as HTTP header names need it.
bool str_equal_ignoring_case(struct str a, struct str b);
bool str_starts_ignoring_case(struct str text, struct str prefix);
struct str str_trim(struct str text);

// Cuts at the first separator: *head is what stands before it, *tail what follows. False when there
// is none; then *head is all of it and *tail absent. head and tail may point at the same struct as
// text.
bool str_cut(struct str text, char separator, struct str *head, struct str *tail);

// Whole decimal numbers only: no blanks, no sign but a leading '-', nothing after. False otherwise.
MUST_USE bool str_to_int(struct str text, int64_t minimum, int64_t maximum, int64_t *value);

// The same, but also accepts what scripts and spreadsheets write: blanks around the number, or ".0"
// after it.
MUST_USE bool str_to_whole(struct str text, int64_t minimum, int64_t maximum, int64_t *value);

// "250ms", "10s", "5m", "2h", "7d" to milliseconds; a bare number is refused, units are not
// optional.
MUST_USE bool str_to_duration_ms(struct str text, int64_t *milliseconds);
// "4096", "64KiB", "4MiB", "1GiB" to bytes.
MUST_USE bool str_to_bytes(struct str text, int64_t *bytes);

// Well-formed UTF-8 without NUL; overlong forms and surrogates are refused (RFC 3629).
// On failure *fault is the offset of the first bad byte.
MUST_USE bool str_is_utf8(struct str text, size_t *fault);
// Unicode scalar values in well-formed UTF-8.
size_t str_utf8_length(struct str text);
