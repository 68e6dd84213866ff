// sms_keyword: the words by which a consumer stops, resumes or asks about messages from a number.
//
// A message counts as a keyword when it is nothing but the word: case, blanks and punctuation
// around it do not matter. The lists are those US carriers and the FCC's rule of 2025-04-11 name
// (47 CFR 64.1200(a)(10)); they cannot be turned off.
#pragma once

#include "base/str.h"

enum sms_keyword {
    SMS_KEYWORD_NONE = 0,
    SMS_KEYWORD_STOP = 1,
    SMS_KEYWORD_START = 2,
    SMS_KEYWORD_HELP = 3,
};

enum sms_keyword sms_keyword(struct str text);
