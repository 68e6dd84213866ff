// idempotency_key: the header Idempotency-Key of a POST, and the digest that identifies its
// request.
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

enum { IDEMPOTENCY_KEY_LIMIT = 255 }; // bytes

// Is the header's value a key: 1 to 255 printable bytes of ASCII?
MUST_USE bool idempotency_key_check(struct str key, struct err *err);

// Equal for requests that are the same to the byte.
struct id idempotency_fingerprint(struct str method, struct str path, struct str query,
                                  struct str body);
