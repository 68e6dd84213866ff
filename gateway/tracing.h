// tracing: the gateway's part of a distributed trace: how a request joins it, and the spans
// http.accept (the request) and bus (the calls to workers for it).
#pragma once

#include "gateway/gateway.h"

#include "base/err.h"

// Sets trace, caller_span and traceparent: the caller's context (traceparent, else b3, else
// X-B3-*), or a new trace where it gives none that is well-formed.
void tracing_begin(struct exchange *exchange);

// The traceparent of what the gateway asks a worker in order to answer the request.
struct str tracing_parent(const struct exchange *exchange);
// The same for the message of the request, whose span ends with tracing_call_end().
struct str tracing_call_begin(struct exchange *exchange);
void tracing_call_end(const struct exchange *exchange, enum err_code code);

void tracing_end(const struct exchange *exchange, enum err_code code, int status);
