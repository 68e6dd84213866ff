// form: the rules for one text of the provisioning, and its normal spelling. The tables of services
// and transactions (services.def, transactions.def) name a form in each row.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

// clang-format off
// FORM(id, what the documentation says of it); form.c has a function for each.
#define FORMS(X) \
    X(TEXT,     "a text without control characters, up to 256 bytes") \
    X(WORDS,    "up to 20 words or phrases of at most 24 characters, with commas between them") \
    X(CHOICE,   "one of") \
    X(FLAG,     "true or false") \
    X(COUNT,    "a whole number from 1 to 1000000") \
    X(DURATION, "a duration from 1s to 7d") \
    X(NAME,     "letters, digits, _, - and .") \
    X(COUNTRY,  "two letters of a country (ISO 3166)") \
    X(NUMBER,   "a phone number") \
    X(DOMAIN,   "a mail domain") \
    X(ADDRESS,  "a phone number or a mail domain") \
    X(SENDER,   "5 or 10 digits") \
    X(PATH,     "a URL, or a path from /") \
    X(URL,      "a URL with http:// or https://") \
    X(WEBHOOK,  "a URL with http:// or https://, without user name and fragment") \
    X(MAIL_URL, "smtp://host:port or smtps://host:port") \
    X(HEADER,   "the value of a HTTP header that webhooks may carry") \
    X(SECRET,   "a secret, up to 256 bytes; never read back")
// clang-format on

enum form {
#define X(id, doc) FORM_##id,
    FORMS(X)
#undef X
        FORM_COUNT_OF
};

const char *form_doc(enum form form);

// Is value of this form? Then *spelled is its normal spelling, in value or the arena. choices lists
// what a CHOICE may be ("a|b"); name is the option's name, which the rule of a HEADER needs
// ("header:x-a"). The error is a sentence without the path, and does not show the value.
MUST_USE bool form_read(enum form form, const char *choices, struct str name, struct str value,
                        struct arena *arena, struct str *spelled, struct err *err);
