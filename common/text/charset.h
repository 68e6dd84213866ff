// charset: text in whatever encoding a sender used becomes well-formed UTF-8 without NUL. What
// cannot be read becomes U+FFFD; nothing is refused.
//
//   const struct charset *charset = charset_find(STR("ISO-8859-1"));   NULL: not one we know
//   charset_decode(charset, bytes, &out);
//
// Known are the encodings that people and aggregators use (charset.c lists them), by their usual
// names and aliases, whatever their case and punctuation. "iso-8859-1" means windows-1252, as it
// does in browsers: its senders write typographic quotes and the euro sign.
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

struct charset;

// NULL also for "us-ascii", which says no more than no declaration.
const struct charset *charset_find(struct str name);
// The encoding that a media type declares: "text/plain; charset=utf-8". NULL: none, or an unknown
// one.
const struct charset *charset_of_type(struct str content_type);
bool charset_is_utf8(const struct charset *charset);  // false for NULL
bool charset_is_utf16(const struct charset *charset); // in either byte order; false for NULL

// Appends. NULL: the encoding was not declared. Then valid UTF-8 is read as UTF-8; bytes with at
// least one non-ASCII character in UTF-8 are read as damaged UTF-8; all others as windows-1252.
void charset_decode(const struct charset *charset, struct str bytes, struct buf *out);

// Looks for a byte order mark at the front, or for the zeros that UTF-16 and UTF-32 put beside
// ASCII. If found, it decides over the declared encoding, and *bytes loses the mark. NULL: neither.
const struct charset *charset_of_mark(struct str *bytes);
