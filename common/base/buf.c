// buf: growth by doubling, and the encodings that only need bytes.
#include "base/buf.h"
#include "base/heap.h"

#include "base/panic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void buf_release(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

char *buf_reserve(struct buf *buf, size_t count)
{
    if (!buf->data || buf->capacity - buf->len < count) {
        size_t wanted = buf->capacity ? buf->capacity * 2 : 256;
        while (wanted - buf->len < count)
            wanted *= 2;
        char *moved = heap_resize(buf->data, wanted);
        buf->data = moved;
        buf->capacity = wanted;
    }
    return buf->data + buf->len;
}

void buf_append(struct buf *buf, const void *bytes, size_t count)
{
    if (count == 0)
        return;
    memcpy(buf_reserve(buf, count), bytes, count);
    buf->len += count;
}

void buf_vprintf(struct buf *buf, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    ASSERT(length >= 0);
    vsnprintf(buf_reserve(buf, (size_t)length + 1), (size_t)length + 1, format, again);
    va_end(again);
    buf->len += (size_t)length;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    buf_vprintf(buf, format, arguments);
    va_end(arguments);
}

void buf_int(struct buf *buf, int64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0)
        buf_byte(buf, '-');
    buf_append(buf, digits + at, sizeof digits - at);
}

const char *buf_c_string(struct buf *buf)
{
    *buf_reserve(buf, 1) = '\0';
    return buf->data;
}

void buf_consume(struct buf *buf, size_t count)
{
    ASSERT(count <= buf->len);
    if (count == 0)
        return;
    memmove(buf->data, buf->data + count, buf->len - count);
    buf->len -= count;
}

static const char hex_digits[] = "0123456789abcdef";

void buf_hex(struct buf *buf, struct str bytes)
{
    char *out = buf_reserve(buf, bytes.len * 2);
    for (size_t i = 0; i < bytes.len; i++) {
        *out++ = hex_digits[(unsigned char)bytes.ptr[i] >> 4];
        *out++ = hex_digits[(unsigned char)bytes.ptr[i] & 15];
    }
    buf->len += bytes.len * 2;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool buf_unhex(struct buf *buf, struct str text)
{
    size_t before = buf->len;

    if (text.len % 2)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_value(text.ptr[i]), low = hex_value(text.ptr[i + 1]);
        if (high < 0 || low < 0) {
            buf->len = before;
            return false;
        }
        buf_byte(buf, (unsigned char)(high << 4 | low));
    }
    return true;
}

void buf_base64(struct buf *buf, struct str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    char *out = buf_reserve(buf, (bytes.len + 2) / 3 * 4);

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned group = (unsigned)in[i] << 16 | (left > 1 ? (unsigned)in[i + 1] << 8 : 0) |
                         (left > 2 ? in[i + 2] : 0);
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[group & 63] : '=';
    }
    buf->len += (bytes.len + 2) / 3 * 4;
}

static int base64_value(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

bool buf_unbase64(struct buf *buf, struct str text)
{
    size_t before = buf->len;
    unsigned group = 0;
    int bits = 0;

    if (text.len > 0 && text.len % 4 == 0) // only a whole text is padded
        for (int i = 0; i < 2 && text.ptr[text.len - 1] == '='; i++)
            text.len--;
    if (text.len % 4 == 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.ptr[i]);
        if (value < 0) {
            buf->len = before;
            return false;
        }
        group = group << 6 | (unsigned)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_byte(buf, (unsigned char)(group >> bits));
        }
    }
    if (group & ((1U << bits) - 1)) { // bits that no encoder leaves: two texts for the same bytes
        buf->len = before;
        return false;
    }
    return true;
}

bool buf_percent_decode(struct buf *buf, struct str text, bool plus_is_blank)
{
    size_t before = buf->len;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0) {
                buf->len = before;
                return false;
            }
            buf_byte(buf, (unsigned char)(high << 4 | low));
            i += 2;
        } else {
            buf_byte(buf, (unsigned char)(c == '+' && plus_is_blank ? ' ' : c));
        }
    }
    return true;
}

void buf_time(struct buf *buf, int64_t unix_us)
{
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    buf_printf(buf, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1,
               utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (int)(unix_us / 1000 % 1000));
}

// A value follows an opening bracket, a key's colon or nothing directly; anything else needs a
// comma.
static void json_separate(struct buf *buf)
{
    char last = buf->len ? buf->data[buf->len - 1] : '\0';
    if (buf->len && last != '{' && last != '[' && last != ':' && last != '\n')
        buf_byte(buf, ',');
}

void json_open(struct buf *buf, char bracket)
{
    json_separate(buf);
    buf_byte(buf, (unsigned char)bracket);
}

void json_close(struct buf *buf, char bracket)
{
    buf_byte(buf, (unsigned char)bracket);
}

static void json_quote(struct buf *buf, struct str text)
{
    size_t plain = 0; // bytes at the start of the rest that need no escape

    buf_byte(buf, '"');
    while (plain < text.len) {
        unsigned char c = (unsigned char)text.ptr[plain];
        if (c >= 0x20 && c != '"' && c != '\\') {
            plain++;
            continue;
        }
        buf_append(buf, text.ptr, plain);
        if (c == '"' || c == '\\')
            buf_printf(buf, "\\%c", c);
        else if (c == '\n')
            buf_append(buf, "\\n", 2);
        else
            buf_printf(buf, "\\u%04x", c);
        text = str_skip(text, plain + 1);
        plain = 0;
    }
    buf_append(buf, text.ptr, text.len);
    buf_byte(buf, '"');
}

void json_str(struct buf *buf, struct str text)
{
    size_t fault;

    json_separate(buf);
    if (!str_present(text)) {
        buf_append(buf, "null", 4);
        return;
    }
    if (str_is_utf8(text, &fault)) {
        json_quote(buf, text);
        return;
    }
    AUTO(buf) mended = {0}; // the rare case: each bad byte becomes U+FFFD
    while (!str_is_utf8(text, &fault)) {
        buf_append(&mended, text.ptr, fault);
        buf_append(&mended, "\xEF\xBF\xBD", 3);
        text = str_skip(text, fault + 1);
    }
    buf_str_append(&mended, text);
    json_quote(buf, buf_str(&mended));
}

void json_key(struct buf *buf, const char *key)
{
    json_separate(buf);
    json_quote(buf, str_of(key));
    buf_byte(buf, ':');
}

void json_int(struct buf *buf, int64_t number)
{
    json_separate(buf);
    buf_int(buf, number);
}

void json_double(struct buf *buf, double number)
{
    char text[32];

    json_separate(buf);
    if (!isfinite(number)) {
        buf_append(buf, "null", 4);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) { // the shortest that reads back as the same
        snprintf(text, sizeof text, "%.*g", digits, number + 0.0); // -0 becomes 0
        if (strtod(text, NULL) == number)
            break;
    }
    buf_str_append(buf, str_of(text));
}

void json_bool(struct buf *buf, bool value)
{
    json_separate(buf);
    buf_str_append(buf, value ? STR("true") : STR("false"));
}

void json_nil(struct buf *buf)
{
    json_str(buf, STR_ABSENT);
}

void json_raw(struct buf *buf, struct str json)
{
    json_separate(buf);
    buf_str_append(buf, str_present(json) ? json : STR("null"));
}

void json_key_str(struct buf *buf, const char *key, struct str text)
{
    json_key(buf, key);
    json_str(buf, text);
}

void json_key_int(struct buf *buf, const char *key, int64_t number)
{
    json_key(buf, key);
    json_int(buf, number);
}

void json_key_bool(struct buf *buf, const char *key, bool value)
{
    json_key(buf, key);
    json_bool(buf, value);
}

void json_key_raw(struct buf *buf, const char *key, struct str json)
{
    json_key(buf, key);
    json_raw(buf, json);
}
