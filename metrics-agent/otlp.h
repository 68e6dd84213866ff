// otlp: sends the spans of all processes to a collector: OTLP/HTTP, JSON, POST <endpoint>/v1/traces.
//
// A batch is sent when 512 spans wait, or a second after the first of them arrived; one batch is
// sent at a time. After 429, 502, 503, 504 or no answer it is sent again, at the time that
// Retry-After says or after growing pauses, for at most five minutes. After any other status that is
// not 2xx it is dropped. Meanwhile spans wait in a queue of 4096; when it is full the oldest are
// dropped. All of this is counted. No process waits for it.
#pragma once

#include "base/err.h"
#include "base/str.h"

struct otlp;
struct service;

// headers: "name=value,name=value", values percent-encoded, as in OTEL_EXPORTER_OTLP_HEADERS.
struct otlp *otlp_new(struct service *service, struct str endpoint, struct str headers,
                      struct err *err);
// Takes a frame of spans (wire/telemetry/span_frame.h).
MUST_USE bool otlp_take(struct otlp *otlp, struct str frame, struct err *err);
// Sends the waiting spans, without repetitions, and then calls done.
void otlp_drain(struct otlp *otlp, void (*done)(void *context), void *context);
void otlp_free(struct otlp **otlp);
