// metrics: counters, gauges and histograms, declared in service/metrics.def. Plain memory, one
// writer, no lock; once a second the process pushes its cumulative values to metrics-agent.
//
//   struct metric *batches = metrics_series(metrics, METRIC_BATCH_ROWS, "sms.inbound");
//   metric_observe(batches, rows);
//
// A series is found once, at init or at first use, and kept. Label values are from sets we declare:
// routes, statements, outcomes; never a number, name or id a stranger chose. At most 1024 series;
// past it a shared overflow series is returned and counted.
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

enum metric_id {
#define COUNTER(id, name, labels, doc)            METRIC_##id,
#define GAUGE(id, name, labels, doc)              METRIC_##id,
#define HISTOGRAM(id, name, labels, buckets, doc) METRIC_##id,
#include "service/metrics.def"
    METRIC_COUNT
};

struct metrics;
struct metric; // one series

struct metrics *metrics_new(void);
void metrics_free(struct metrics **metrics);

// One value (a C string) for each label the row declares, in its order.
struct metric *metrics_series(struct metrics *metrics, enum metric_id id, ...);

void metric_add(struct metric *counter, uint64_t count);
void metric_set(struct metric *gauge, double value);
void metric_observe(struct metric *histogram, double value);
// A counter whose cumulative value somebody else keeps (pg_counts(), /proc).
void metric_set_total(struct metric *counter, double total);

// The snapshot that metrics_push sends and metrics-agent decodes; service/metrics_wire.c has both
// ends.
void metrics_encode(const struct metrics *metrics, struct buf *out);
