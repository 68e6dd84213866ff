// phone: one spelling for each number, so that it can be a key: one person is one contact and has one
// opt-out, however the number was written.
//
//   +14155550123   E.164: "+" and 7 to 15 digits
//   12345          a short code: 3 to 6 digits
//   01711234567    7 to 15 digits with a 0 in front, where nobody knows of which country
//
// Read are "+", "00" and, to numbers of North America, "011" before the country code, or nothing; tel:,
// sms: and such URIs, and what gateways put behind a number ("/TYPE=PLMN", "@mms.example"); digits of full width and of the Arabic, Persian and Indian scripts; and whatever
// people and programs put between digits: blanks of all kinds, hyphens, dots, slashes, brackets, marks
// of direction. "(0)" behind a country code is nobody's digit.
//
// A national form is read by the country of the number that was written to (its home), where it can
// mean one thing only: a 0 in front of the countries in phone.c, and ten digits in North America, unless
// they are no number of North America and may be another country's.
#pragma once

#include "base/str.h"

enum {
    PHONE_MAX = 16,
    SENDER_MAX = 255,     // bytes of a name; a number is shorter
    PHONE_TEXT_MAX = 128, // bytes; what is longer is no number
};

#define PHONE_RULE  "not a phone number (+ and 3 to 15 digits)"
#define SENDER_RULE "neither a phone number (+ and 3 to 15 digits) nor a name of 1 to 255 bytes"

// out is filled without a NUL; *length says how much. A spelling that came out goes in and comes out
// as it is.
MUST_USE bool phone_normalize(struct str text, char out[PHONE_MAX], size_t *length);

// Who wrote: a number, or a name, which is whatever else an aggregator says ("MYBANK", an e-mail address, a
// number with too many digits). A name is kept as it came, but for blanks around it and control characters,
// which become U+FFFD: what somebody wrote is not refused for how its sender is called. home is the number
// that was written to, in its one spelling; absent: nobody knows.
MUST_USE bool sender_normalize(struct str text, struct str home, char out[SENDER_MAX],
                               size_t *length);

enum { SENDER_MEANINGS_MAX = 32 };

// One of the things that a text means to somebody who looks for a sender and says no country.
struct sender_meaning {
    struct str code; // of the country in which it is this one; absent: anywhere
    size_t length;
    char text[SENDER_MAX];
};

// What it is anywhere comes first, then the numbers that it is to people of one country. 0: it is
// neither a number nor a name.
size_t sender_meanings(struct str text, struct sender_meaning meanings[SENDER_MEANINGS_MAX]);
