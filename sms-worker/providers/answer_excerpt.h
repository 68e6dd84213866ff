// answer_excerpt: the part of a refusing answer that may be stored: its shape, and the codes in it.
// Everything that could be a text, a name or a number of a person is masked:
//
//   {"error":{"code":30007,"message":"Hi Ada"},"to":"+15551234567"}
//   {"error":{"code":30007,"message":"*6"},"to":"*12"}
//
// *6 is a text of 6 bytes, # a number; a number is kept under a name that is a code's, with at most
// five digits. Names that do not look like field names are masked too. For an answer that is not
// JSON only its length is kept.
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum { ANSWER_EXCERPT_LIMIT = 512 };

struct str answer_excerpt(struct str body, struct arena *arena);
