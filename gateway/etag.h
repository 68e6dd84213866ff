// etag: the version of what an answer shows, and the conditions that name versions (RFC 9110, 8.8.3 and 13.1).
#pragma once

#include "base/err.h"
#include "base/str.h"

enum {
    ETAG_TEXT = 40,       // room for a version with its quotes and a NUL
    CONDITION_LIMIT = 512 // bytes of a header If-Match or If-None-Match
};

// The version of these bytes, quotes included: the first half of their SHA-256. etag_of() in
// db/functions/precondition.sql makes the same of the same bytes.
void etag_of(struct str bytes, char text[static ETAG_TEXT]);

// Does If-None-Match name this version?
bool etag_matches(struct str if_none_match, struct str etag);

// May the header's value be understood: "*", or versions with commas between them?
MUST_USE bool condition_check(const char *header, struct str value, struct err *err);
