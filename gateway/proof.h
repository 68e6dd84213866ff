// proof: what a request on a route that is SIGNED shows, kept for whoever has the secret: the signature's headers
// and, where one came, the body's bytes as they came, or
// where they are stored. The gateway has no secret and judges nothing.
#pragma once

#include "base/buf.h"
#include "wire/envelope.h"

#include <stdbool.h>

struct caller;
struct exchange;

// The caller is known, the body perhaps not read yet.
void proof_begin(struct exchange *exchange, const struct caller *caller);
// A body that is all there.
void proof_body(struct exchange *exchange, struct str body);
// One that came piece by piece: it stands in this upload.
void proof_stored(struct exchange *exchange, struct id upload, uint32_t bytes);
