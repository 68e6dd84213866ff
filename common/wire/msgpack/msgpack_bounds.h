// msgpack_bounds: checks msgpack from outside before msgpack-c reads it, and allocates nothing.
// msgpack-c reserves memory for as many elements as a header claims: six hostile bytes can request
// gigabytes. Refused here: counts larger than the bytes that are left, nesting deeper than 16, ext
// types, anything after the first value, truncation.
#pragma once

#include "base/str.h"

enum { MSGPACK_DEPTH_LIMIT = 16, MSGPACK_BYTES_LIMIT = 1024 * 1024 };

// True when bytes is exactly one well-formed value within the limits.
MUST_USE bool msgpack_is_bounded(struct str bytes);
