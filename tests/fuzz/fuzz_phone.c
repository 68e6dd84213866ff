// A number that is accepted has one spelling, and that spelling is accepted as itself.
#include "fuzz.h"

#include "wire/phone.h"

FUZZ(text)
{
    char once[PHONE_MAX], twice[PHONE_MAX];
    size_t length, again;

    if (!phone_normalize(text, once, &length))
        return;
    ASSERT(length >= 3 && length <= PHONE_MAX);
    ASSERT(phone_normalize(str_make(once, length), twice, &again));
    ASSERT(str_equal(str_make(once, length), str_make(twice, again)));
}
