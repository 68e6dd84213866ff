// keyword: see the header.
#include "sms-worker/inbound/keyword.h"

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

static bool begins_with(struct str text, struct str sign)
{
    return text.len >= sign.len && str_equal_ignoring_case(str_make(text.ptr, sign.len), sign);
}

// May a signature of a program, or a quoted message, begin here? All that keyword_said_alone()
// knows in ASCII begin with one of these; so do other texts, which the database then rejects.
static bool may_end_here(struct str rest, bool begins_line)
{
    static const struct str signs[] = {
        STR_INIT("sent "),    STR_INIT("get "),       STR_INIT("envoye "),
        STR_INIT("enviado "), STR_INIT("von "),       STR_INIT("gesendet "),
        STR_INIT("inviato "), STR_INIT("verzonden "), STR_INIT("verstuurd "),
    };

    if (begins_line && strchr("-_=*~>", rest.ptr[0]))
        return true;
    if (letter_of(rest.ptr[0]))
        return false;
    for (size_t i = 0; i < COUNT_OF(signs); i++)
        if (begins_with(str_skip(rest, 1), signs[i]))
            return true;
    return false;
}

struct str keyword_key(struct str text, char room[KEYWORD_KEY_LIMIT])
{
    bool is_ascii = true, begins_line = false;
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], letter = letter_of(c);
        is_ascii = is_ascii && (c & 0x80) == 0;
        if (count > 0 && may_end_here(str_skip(text, i), begins_line))
            return STR_ABSENT;
        begins_line = c == '\n' || c == '\r' || (begins_line && (c == ' ' || c == '\t'));
        if (letter && count == KEYWORD_KEY_LIMIT)
            return STR("");
        if (letter)
            room[count++] = letter;
    }
    return is_ascii ? str_make(room, period_of(room, count)) : STR_ABSENT;
}
