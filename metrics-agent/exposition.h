// exposition: metrics as Prometheus reads them: the lines of a family together, HELP and TYPE first,
// buckets cumulative up to +Inf. In one of two formats:
//
//   text 0.0.4         the format that all scrapers read
//   OpenMetrics 1.0    on request: it has exemplars, so a slow bucket leads to a trace
//
// Names, labels and numbers are the same in both, so a series does not change with the format.
#pragma once

#include "base/buf.h"
#include "telemetry/metrics.h"

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

// The format that an Accept header requests; absent, or naming neither: text.
enum exposition_format exposition_accepted(struct str accept);
struct str exposition_content_type(enum exposition_format format);

// compatibility: with those that metric_is_compatibility().
void exposition_write(const struct metrics *metrics, enum exposition_format format,
                      bool compatibility, struct buf *out);
