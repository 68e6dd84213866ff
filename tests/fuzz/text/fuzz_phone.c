// An accepted number or sender has one spelling, and that spelling is accepted unchanged; for a sender this
// holds with every home. A number is also accepted as a sender of an unknown home, as the same number.
#include "tests/fuzz/fuzz.h"

#include "text/phone.h"

static void number_check(struct str text)
{
    char once[PHONE_MAX], twice[SENDER_MAX];
    size_t length, again;

    if (!phone_normalize(text, once, &length))
        return;
    ASSERT(length >= 3 && length <= PHONE_MAX);
    ASSERT(phone_normalize(str_make(once, length), twice, &again));
    ASSERT(str_equal(str_make(once, length), str_make(twice, again)));
    ASSERT(sender_normalize(text, STR_ABSENT, twice, &again));
    ASSERT(str_equal(str_make(once, length), str_make(twice, again)));
}

static void sender_check(struct str text, struct str home)
{
    char once[SENDER_MAX], twice[SENDER_MAX];
    size_t length, again;

    if (!sender_normalize(text, home, once, &length))
        return;
    ASSERT(length >= 1 && length <= SENDER_MAX);
    ASSERT(sender_normalize(str_make(once, length), STR_ABSENT, twice, &again));
    ASSERT(str_equal(str_make(once, length), str_make(twice, again)));
}

FUZZ(text)
{
    static const struct str homes[] = {STR_INIT("+18445551212"), STR_INIT("+491710000000"),
                                       STR_INIT("+61400000000"), STR_INIT("12345")};

    number_check(text);
    sender_check(text, STR_ABSENT);
    for (size_t i = 0; i < COUNT_OF(homes); i++)
        sender_check(text, homes[i]);
}
