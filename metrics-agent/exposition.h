// exposition: metrics as Prometheus reads them, text format 0.0.4: the lines of a family together,
// HELP and TYPE first, buckets cumulative up to +Inf.
#pragma once

#include "base/buf.h"
#include "base/metrics.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

void exposition_write(const struct metrics *metrics, struct buf *out);
