// keyword: what a text is compared by with the words that mean STOP, START and HELP: its letters and
// digits in lower case, a word that is said again and again once, without a program's signature. Worked out
// here for texts in ASCII that have none; keyword_key() in db/functions/keyword.sql says the same of any text,
// and takes microseconds.
#pragma once

#include "base/str.h"

enum { KEYWORD_KEY_LIMIT = 48 }; // letters and digits of the longest

// Empty for what is no keyword, absent where only the database can say. Points into room.
struct str keyword_key(struct str text, char room[KEYWORD_KEY_LIMIT]);
