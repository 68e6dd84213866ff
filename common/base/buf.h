// buf: bytes that grow. The one place where text and frames are put together.
//
//   AUTO(buf) out = {0};
//   buf_printf(&out, "%d apples", 3);
//   send(out.data, out.len);
//
// A zeroed struct is an empty buf. data is not NUL-terminated; buf_c_string() adds one. Allocation
// cannot fail (arena.h says why). The json_* functions write JSON text without building a tree;
// commas are theirs: {"a":1,"b":[true,"x"]} is
//
//   json_open(&out, '{');
//   json_key_int(&out, "a", 1);
//   json_key(&out, "b");
//   json_open(&out, '[');
//   json_bool(&out, true);
//   json_str(&out, STR("x"));
//   json_close(&out, ']');
//   json_close(&out, '}');
#pragma once

#include "base/attributes.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data;
    size_t len;
    size_t capacity;
};

void buf_release(struct buf *buf); // frees and zeroes; fine on a zeroed buf
static inline void buf_clear(struct buf *buf)
{
    buf->len = 0;
}
static inline struct str buf_str(const struct buf *buf)
{
    return str_make(buf->data ? buf->data : "", buf->len);
}

// Room for count more bytes; returns where they go. The caller adds to len what it wrote.
char *buf_reserve(struct buf *buf, size_t count);
void buf_append(struct buf *buf, const void *bytes, size_t count);
static inline void buf_str_append(struct buf *buf, struct str text)
{
    buf_append(buf, text.ptr, text.len);
}
static inline void buf_byte(struct buf *buf, unsigned char byte)
{
    *buf_reserve(buf, 1) = (char)byte;
    buf->len++;
}
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *buf, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
void buf_int(struct buf *buf, int64_t number); // decimal, faster than printf
// Terminates with a NUL that is not counted and returns the text.
const char *buf_c_string(struct buf *buf);
// Drops the first count bytes.
void buf_consume(struct buf *buf, size_t count);

void buf_hex(struct buf *buf, struct str bytes);              // lower case
void buf_base64(struct buf *buf, struct str bytes);           // RFC 4648 section 4, padded
MUST_USE bool buf_unhex(struct buf *buf, struct str text);    // appends; false on any fault
MUST_USE bool buf_unbase64(struct buf *buf, struct str text); // padded or not, no blanks
MUST_USE bool buf_percent_decode(struct buf *buf, struct str text, bool plus_is_blank);
// RFC 3339 in UTC with milliseconds: 2026-11-23T14:03:05.123Z.
void buf_time(struct buf *buf, int64_t unix_us);

void json_open(struct buf *buf, char bracket);  // '{' or '['
void json_close(struct buf *buf, char bracket); // '}' or ']'
void json_key(struct buf *buf, const char *key);
void json_str(struct buf *buf, struct str text); // absent -> null; invalid UTF-8 -> U+FFFD
void json_int(struct buf *buf, int64_t number);
void json_double(struct buf *buf, double number); // NaN and infinities -> null
void json_bool(struct buf *buf, bool value);
void json_nil(struct buf *buf);                  // null
void json_raw(struct buf *buf, struct str json); // text that is JSON already; absent -> null
void json_key_str(struct buf *buf, const char *key, struct str text);
void json_key_int(struct buf *buf, const char *key, int64_t number);
void json_key_bool(struct buf *buf, const char *key, bool value);
void json_key_raw(struct buf *buf, const char *key, struct str json);
