// phone: one spelling for each number, so that it can be a key. "+" and digits for 7 to 15 digits
// (E.164), bare digits for 3 to 6 (short codes). Blanks, hyphens and letters are refused.
#pragma once

#include "base/str.h"

enum { PHONE_MAX = 16 };

#define PHONE_RULE "not a phone number (+ and 3 to 15 digits)"

// text may have a "+" or not. out is filled without a NUL; *length says how much.
MUST_USE bool phone_normalize(struct str text, char out[PHONE_MAX], size_t *length);
