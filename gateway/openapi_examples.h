// openapi_examples: what requests and answers look like, from openapi_examples.def.
#pragma once

#include "route.h"

#include "base/buf.h"

// "example": the route's request; nothing where the table has none.
void example_of_request(struct buf *out, const struct route *route);
// "example": its answer of success, in its envelope.
void example_of_answer(struct buf *out, const struct route *route);
