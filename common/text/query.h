// query: the pairs of a URL's query and of a form, name=value&name=value.
//
//   struct query_pair pair;
//   while (query_cut(&query, &pair))
//       if (query_decode(&pair, arena)) …
//
// A text of n bytes has at most n pairs, and decoding makes nothing longer. So a limit on the text
// also limits the work and the memory.
#pragma once

#include "base/arena.h"
#include "base/attributes.h"
#include "base/str.h"

#include <stdbool.h>

struct query_pair {
    struct str name, value; // value is absent where there is no "="
};

// Cuts the first pair off, as it was sent; it may be empty. False: there is none left.
bool query_cut(struct str *query, struct query_pair *pair);
// Undoes the percent-encoding of name and value; "+" is a blank, and an absent value becomes empty.
// False: one of them cannot be read. The result may contain any bytes.
MUST_USE bool query_decode(struct query_pair *pair, struct arena *arena);
// The first readable value of that name, decoded; absent: none. An escaped name is not found.
struct str query_find(struct str query, struct str name, struct arena *arena);

// Undoes the percent-encoding of any other text, such as a segment of a path. plain ends in a NUL
// (not counted) and is valid as long as the arena.
MUST_USE bool percent_decode(struct str escaped, bool plus_is_blank, struct arena *arena,
                             struct str *plain);
