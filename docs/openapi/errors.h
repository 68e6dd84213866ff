// errors: which errors an operation may answer with, and how they look. Errors of one HTTP
// status are one answer; its schema lists their codes.
#pragma once

#include "base/buf.h"
#include "gateway/route.h"

// The lowest status above this one with which the route may fail; 0: none.
int errors_next(const struct route *route, int after);
// "headers": {…} of an answer with this status.
void errors_headers(struct buf *out, int status);
// The two that tell the holder of a key with a rate where it stands; members of such an object.
void errors_rate_headers(struct buf *out);
// The name under "components": {"responses": …} of what the route answers with this status.
void errors_name(struct buf *name, const struct route *route, int status);
// The value of "components": {"responses": …}: every error in each of the looks it has.
void errors_shared(struct buf *out);
