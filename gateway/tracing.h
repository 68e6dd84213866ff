// tracing: the gateway's part of a distributed trace: where a request takes it up, and the spans
// http.accept (the request) and bus (what is asked of a worker for it).
#pragma once

#include "gateway.h"

#include "base/err.h"

// Sets trace, caller_span and traceparent: the caller's context (traceparent, else b3, else
// X-B3-*), or a new trace where it gives none that is well-formed.
void tracing_begin(struct exchange *exchange);

// The traceparent of what the request asks of a worker by itself.
struct str tracing_onward(const struct exchange *exchange);
// The same for its message, which gets a span of its own, until tracing_replied().
struct str tracing_asked(struct exchange *exchange);
void tracing_replied(const struct exchange *exchange, enum err_code code);

void tracing_answered(const struct exchange *exchange, enum err_code code, int status);
