// otlp: sends the spans of all processes to a collector: OTLP/HTTP, JSON, POST <endpoint>/v1/traces.
//
// A batch leaves when 512 spans wait, or a second after the first of them came; one is out at a time.
// 429, 502, 503, 504 and silence: it is sent again, when Retry-After says or with growing distance,
// for at most five minutes. Anything else that is not 2xx drops it. Meanwhile spans wait in a queue of
// 4096, the oldest give way. All of it is counted; nothing of it holds up anybody.
#pragma once

#include "base/err.h"
#include "base/str.h"

struct otlp;
struct service;

// headers: "name=value,name=value", values percent-encoded where need be, as OTEL_EXPORTER_OTLP_HEADERS.
struct otlp *otlp_new(struct service *service, struct str endpoint, struct str headers,
                      struct err *err);
// A frame of spans (wire/span_frame.h).
MUST_USE bool otlp_take(struct otlp *otlp, struct str frame, struct err *err);
// Sends what waits, once, and then calls done.
void otlp_drain(struct otlp *otlp, void (*done)(void *context), void *context);
void otlp_free(struct otlp **otlp);
