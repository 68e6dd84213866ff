// phone: one normal spelling for each number, so that it can be a key: one person is one contact
// with one opt-out, however the number was written.
//
//   +14155550123   E.164: "+" and 7 to 15 digits
//   12345          a short code: 3 to 6 digits
//   01711234567    7 to 15 digits with a leading 0, of an unknown country
//
// The country code may follow "+", "00", the exit code of the home country (such as "011") or
// nothing. Also accepted are tel:, sms: and similar URIs; what gateways append to a number
// ("/TYPE=PLMN", "@mms.example"); full-width digits and those of the Arabic, Persian and Indian
// scripts; and whatever people and programs put between digits: blanks of all kinds, hyphens, dots,
// slashes, brackets, direction marks. "(0)" after a country code is ignored.
//
// A national form is read by the rules of the home country, that of the number that was written to,
// if it can mean only one number: with a leading 0 in the countries that phone.c lists; as ten
// digits in North America, unless they are no valid number there and may be one of another country.
#pragma once

#include "base/str.h"

enum {
    PHONE_MAX = 16,
    SENDER_MAX = 255,     // bytes of a name; a number is shorter
    PHONE_TEXT_MAX = 128, // bytes; what is longer is no number
};

#define PHONE_RULE  "not a phone number (+ and 3 to 15 digits)"
#define SENDER_RULE "neither a phone number (+ and 3 to 15 digits) nor a name of 1 to 255 bytes"

// out is filled without a NUL; *length says how much. A normal spelling stays as it is.
MUST_USE bool phone_normalize(struct str text, char out[PHONE_MAX], size_t *length);

// The sender of a message: a number, or a name, which is anything else that an aggregator sends
// ("MYBANK", an e-mail address, a number with too many digits). A name is stored as it came,
// without blanks around it and with control characters as U+FFFD: a message is not refused because
// of its sender's name. home is the number that was written to, in its normal spelling; absent:
// unknown.
MUST_USE bool sender_normalize(struct str text, struct str home, char out[SENDER_MAX],
                               size_t *length);

enum { SENDER_MEANINGS_MAX = 32 };

// One meaning of a text in a search for a sender without a country.
struct sender_meaning {
    struct str code; // the country in which it has this meaning; absent: anywhere
    size_t length;
    char text[SENDER_MAX];
};

// The meaning that holds anywhere comes first, then the numbers that it means in single countries.
// 0: it is neither a number nor a name.
size_t sender_meanings(struct str text, struct sender_meaning meanings[SENDER_MEANINGS_MAX]);
