// keyword: see the header.
#include "keyword.h"

#include <string.h>

// The letter or digit in lower case, or 0.
static char letter_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : 0;
}

// The length of the shortest piece that makes the whole when it is repeated.
static size_t period_of(const char *key, size_t count)
{
    size_t period = 1;

    while (period < count &&
           (count % period != 0 || memcmp(key, key + period, count - period) != 0))
        period++;
    return count == 0 ? 0 : period;
}

struct str keyword_key(struct str text, char room[KEYWORD_KEY_LIMIT])
{
    bool is_ascii = true;
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        char letter = letter_of(text.ptr[i]);
        is_ascii = is_ascii && (text.ptr[i] & 0x80) == 0;
        if (letter && count == KEYWORD_KEY_LIMIT)
            return STR("");
        if (letter)
            room[count++] = letter;
    }
    return is_ascii ? str_make(room, period_of(room, count)) : STR_ABSENT;
}
