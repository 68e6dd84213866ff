// str: the few operations on borrowed bytes that are longer than a line.
#include "base/str.h"

#include <limits.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_equal_ignoring_case(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

bool str_starts_ignoring_case(struct str text, struct str prefix)
{
    return text.len >= prefix.len &&
           str_equal_ignoring_case(str_make(text.ptr, prefix.len), prefix);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str text)
{
    while (text.len > 0 && is_blank(text.ptr[0]))
        text = str_skip(text, 1);
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

bool str_cut(struct str text, char separator, struct str *head, struct str *tail)
{
    const char *found = text.len ? memchr(text.ptr, separator, text.len) : NULL;

    if (!found) {
        *head = text;
        *tail = STR_ABSENT;
        return false;
    }
    size_t before = (size_t)(found - text.ptr);
    *head = str_make(text.ptr, before);
    *tail = str_skip(text, before + 1);
    return true;
}

bool str_to_int(struct str text, int64_t minimum, int64_t maximum, int64_t *value)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    struct str digits = negative ? str_skip(text, 1) : text;
    int64_t number = 0;

    if (digits.len == 0 || digits.len > 18) // 18 digits always fit
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        number = number * 10 + (digits.ptr[i] - '0');
    }
    number = negative ? -number : number;
    if (number < minimum || number > maximum)
        return false;
    *value = number;
    return true;
}

bool str_to_whole(struct str text, int64_t minimum, int64_t maximum, int64_t *value)
{
    struct str whole, fraction;

    text = str_trim(text);
    if (str_cut(text, '.', &whole, &fraction) && fraction.len > 0)
        for (text = whole; fraction.len > 0; fraction = str_skip(fraction, 1))
            if (fraction.ptr[0] != '0')
                return false;
    return str_to_int(text, minimum, maximum, value);
}

struct number_unit {
    struct str suffix;
    int64_t factor;
};

static bool number_with_unit(struct str text, const struct number_unit *units, size_t count,
                             int64_t *value)
{
    size_t digits = 0;
    int64_t number;

    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    struct str suffix = str_skip(text, digits);
    for (size_t i = 0; i < count; i++) {
        if (!str_equal(suffix, units[i].suffix))
            continue;
        if (!str_to_int(str_make(text.ptr, digits), 0, INT64_MAX / 1000000000, &number))
            return false;
        return !__builtin_mul_overflow(number, units[i].factor, value);
    }
    return false;
}

bool str_to_duration_ms(struct str text, int64_t *milliseconds)
{
    static const struct number_unit units[] = {
        {STR_INIT("ms"), 1},      {STR_INIT("s"), 1000},     {STR_INIT("m"), 60000},
        {STR_INIT("h"), 3600000}, {STR_INIT("d"), 86400000},
    };
    return number_with_unit(text, units, COUNT_OF(units), milliseconds);
}

bool str_to_bytes(struct str text, int64_t *bytes)
{
    static const struct number_unit units[] = {
        {STR_INIT(""), 1},
        {STR_INIT("KiB"), 1 << 10},
        {STR_INIT("MiB"), 1 << 20},
        {STR_INIT("GiB"), 1 << 30},
    };
    return number_with_unit(text, units, COUNT_OF(units), bytes);
}

// The number of bytes of the well-formed sequence at the start, 0 if there is none (RFC 3629, 4).
static size_t utf8_sequence(const unsigned char *bytes, size_t left)
{
    unsigned char lead = bytes[0];
    size_t length = lead < 0x80                    ? 1
                    : lead >= 0xC2 && lead <= 0xDF ? 2
                    : (lead & 0xF0) == 0xE0        ? 3
                                                   : 4;

    if (lead == 0 || (lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    if ((lead == 0xE0 && bytes[1] < 0xA0) || (lead == 0xED && bytes[1] > 0x9F) ||
        (lead == 0xF0 && bytes[1] < 0x90) || (lead == 0xF4 && bytes[1] > 0x8F))
        return 0;
    return length;
}

bool str_is_utf8(struct str text, size_t *fault)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;

    for (size_t i = 0; i < text.len;) {
        if (bytes[i] - 1U < 0x7FU) { // the common case: ASCII but NUL
            i++;
            continue;
        }
        size_t length = utf8_sequence(bytes + i, text.len - i);
        if (length == 0) {
            *fault = i;
            return false;
        }
        i += length;
    }
    return true;
}

size_t str_utf8_length(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    return count;
}
