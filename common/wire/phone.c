// phone: see the header.
#include "phone.h"

enum { DIGITS_MIN = 3, SHORT_CODE_DIGITS_MAX = 6, DIGITS_MAX = 15 };

bool phone_normalize(struct str text, char out[PHONE_MAX], size_t *length)
{
    bool plus = text.len > 0 && text.ptr[0] == '+';
    struct str digits = plus ? str_skip(text, 1) : text;

    if (digits.len < DIGITS_MIN || digits.len > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits.len; i++)
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
    *length = 0;
    if (digits.len > SHORT_CODE_DIGITS_MAX)
        out[(*length)++] = '+';
    memcpy(out + *length, digits.ptr, digits.len);
    *length += digits.len;
    return true;
}
