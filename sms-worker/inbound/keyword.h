// keyword: the key by which a text is compared with the words for STOP, START and HELP: its letters
// and digits in lower case, a repeated word once, without a program's signature. Computed here for
// ASCII texts without a signature; keyword_key() in db/functions/inbound/keyword.sql computes the
// same for any text, and takes microseconds.
#pragma once

#include "base/str.h"

enum { KEYWORD_KEY_LIMIT = 48 }; // letters and digits of the longest

// Empty if it is not a keyword, absent if only the database can decide. Points into room.
struct str keyword_key(struct str text, char room[KEYWORD_KEY_LIMIT]);
