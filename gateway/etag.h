// etag: the version of an answer's content, and conditions on versions (RFC 9110, 8.8.3 and 13.1).
#pragma once

#include "base/err.h"
#include "base/str.h"

enum {
    ETAG_TEXT = 40,       // room for a version with its quotes and a NUL
    CONDITION_LIMIT = 512 // bytes of a header If-Match or If-None-Match
};

// The version of these bytes, quotes included: the first half of their SHA-256. etag_of() in
// db/functions/requests/precondition.sql makes the same version from the same bytes.
void etag_of(struct str bytes, char text[static ETAG_TEXT]);

// Does If-None-Match name this version?
bool etag_matches(struct str if_none_match, struct str etag);

// Is the header's value valid: "*", or versions separated by commas?
MUST_USE bool condition_check(const char *header, struct str value, struct err *err);
