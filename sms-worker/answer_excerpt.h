// answer_excerpt: what may be kept of an answer that refused a message: its shape, and the codes in
// it. Whatever could be a text, a name or a number of somebody is masked:
//
//   {"error":{"code":30007,"message":"Hi Ada"},"to":"+15551234567"}
//   {"error":{"code":30007,"message":"*6"},"to":"*12"}
//
// *6 is a text of 6 bytes, # a number; a number is kept under a name that is a code's, with at most
// five digits. Names that are no names of fields are masked, too. What is not JSON is told by its
// length.
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum { ANSWER_EXCERPT_LIMIT = 512 };

struct str answer_excerpt(struct str body, struct arena *arena);
