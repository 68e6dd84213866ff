// tracing: see the header.
#include "tracing.h"

#include "io/http_server.h"

struct trace tracing_read(const struct http_request *request, struct random *random)
{
    struct trace trace;

    if (trace_parse(http_header(request, "traceparent"), &trace) ||
        trace_parse_b3(http_header(request, "b3"), &trace) ||
        trace_parse_b3_headers(
            http_header(request, "x-b3-traceid"), http_header(request, "x-b3-spanid"),
            http_header(request, "x-b3-sampled"), http_header(request, "x-b3-flags"), &trace))
        return trace;
    return trace_new(random);
}
