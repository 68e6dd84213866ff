// proof: what a request on a route that is SIGNED shows, kept for whoever has the secret: the signature's headers
// and, where one came, the body's bytes as they came. The gateway has no secret and judges nothing.
#pragma once

#include "base/buf.h"
#include "wire/envelope.h"

#include <stdbool.h>

struct caller;
struct exchange;

enum { PROOF_BODY_LIMIT = 256 * 1024 }; // of what is kept; a longer one is_cut

// The caller is known, the body perhaps not read yet.
void proof_begin(struct exchange *exchange, const struct caller *caller);
// A body that is all there; inflated: what it is, of one that came compressed.
void proof_body(struct exchange *exchange, struct str body, struct str inflated);
// One that comes piece by piece: kept in bytes as long as it is not too long.
void proof_keep(struct exchange *exchange, struct buf *bytes, struct str piece);
