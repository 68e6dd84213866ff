// tracing: the gateway's part of a distributed trace: from which headers it is taken up.
#pragma once

#include "base/random.h"
#include "base/trace.h"

struct http_request;

// The caller's context: traceparent, else b3, else X-B3-*. Without one that is well-formed, a new
// trace.
struct trace tracing_read(const struct http_request *request, struct random *random);
