// examples: what requests and answers look like, from examples.def.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "gateway/route.h"

// The operationId of every example.
struct id example_operation(void);

// "example": the route's request; nothing where the table has none.
void example_of_request(struct buf *out, const struct route *route);
// "example": its answer of success, in its envelope.
void example_of_answer(struct buf *out, const struct route *route);
// "example": what the gateway itself answers with this status. ENVELOPE_E3: as it is.
void example_of_gateway(struct buf *out, const struct route *route, int status,
                        enum route_envelope envelope);
// What the text of such an error says.
struct str example_of_fault(enum err_code code);
