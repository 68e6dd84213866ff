// proof: the signature of a request on a SIGNED route, for the worker that has the secret: the
// signature's headers and, if there is one, the body's bytes as they came, or where they are
// stored. The gateway has no secrets and checks nothing.
#pragma once

#include "base/buf.h"
#include "wire/msgpack/envelope.h"

#include <stdbool.h>

struct caller;
struct exchange;

// The caller is known, the body perhaps not read yet.
void proof_begin(struct exchange *exchange, const struct caller *caller);
// A body that is complete.
void proof_body(struct exchange *exchange, struct str body);
// A body that came piece by piece: it is stored in this upload.
void proof_stored(struct exchange *exchange, struct id upload, uint32_t bytes);
