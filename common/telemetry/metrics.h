// metrics: counters, gauges and histograms, declared in telemetry/metrics.def. Plain memory, one
// writer, no lock; once a second the process pushes its cumulative values to metrics-agent, which
// merges the processes (wire/telemetry/snapshot.h).
//
//   struct metric *batches = metrics_series(metrics, METRIC_BATCH_ROWS, "sms.inbound");
//   metric_observe(batches, rows);
//
// A series is found once, at init or at first use, and kept; it lives as long as its metrics. Label
// values are from declared sets: routes, statements, outcomes; never a number, name or id that a
// client chose. At most METRIC_SERIES_LIMIT series; past it a shared overflow series is returned,
// and its changes are counted as nexus_metric_series_overflow_total.
#pragma once

#include "base/attributes.h"
#include "base/str.h"
#include "telemetry/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric_id {
#define COUNTER(id, name, labels, doc)            METRIC_##id,
#define GAUGE(id, name, labels, across, doc)      METRIC_##id,
#define HISTOGRAM(id, name, labels, buckets, doc) METRIC_##id,
#include "telemetry/metrics.def"
    METRIC_COUNT
};

enum { METRIC_SERIES_LIMIT = 4096, METRIC_LABELS_LIMIT = 10, METRIC_LABEL_BYTES_LIMIT = 128 };
enum { METRIC_BUCKETS_LIMIT = 32 };

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
enum metric_across { METRIC_SUM, METRIC_MIN, METRIC_MAX };

// What a row of the table says.
struct metric_type {
    struct str name;
    enum metric_kind kind;
    enum metric_across across; // how the values of several processes become one
    const char *labels;        // names, space-separated; their values: metric_values.def
    const double *bounds;      // of a histogram's buckets, ascending, without +Inf
    size_t bound_count;
    const char *doc;
};

const struct metric_type *metric_type(enum metric_id id);
size_t metric_label_count(enum metric_id id);
// A name that exists for dashboards of other products (iwd_…, nexus_nodejs_…).
bool metric_is_compatibility(enum metric_id id);
// False when there is no metric of this name, as from another build.
MUST_USE bool metric_id_parse(struct str name, enum metric_id *id);

struct metrics;
struct metric; // one series

struct metrics *metrics_new(void);
void metrics_free(struct metrics **metrics);

// One value (a C string) for each label the row declares, in its order.
struct metric *metrics_series(struct metrics *metrics, enum metric_id id, ...);

void metric_add(struct metric *counter, uint64_t count);
void metric_set(struct metric *gauge, double value);
// Marks all series of a gauge as unknown: they are not reported until they are set again.
void metrics_unset(struct metrics *metrics, enum metric_id gauge);
void metric_observe(struct metric *histogram, double value);
// The same, and stores an exemplar: for each bucket the last value that had a trace.
void metric_observe_traced(struct metric *histogram, double value, const struct trace *trace);
// Sets a counter whose cumulative value is kept elsewhere (pg_counts(), /proc).
void metric_set_total(struct metric *counter, double total);

// An exemplar: the trace of a value in a bucket.
struct metric_exemplar {
    uint64_t trace_high, trace_low;
    double value;
    int64_t at_us; // Unix time; 0: none
};

// A series as plain values, for sending and printing. Valid until the series changes.
struct metric_sample {
    enum metric_id id;
    struct str labels[METRIC_LABELS_LIMIT]; // values; as many as the type has labels
    double value;                           // of a histogram: the sum of what was observed
    const uint64_t *buckets; // of a histogram: bound_count + 1 counts, not cumulative; else NULL
    const struct metric_exemplar *exemplars; // as many; NULL where nothing was traced
};

// The series in the order they were made; index < metrics_count().
size_t metrics_count(const struct metrics *metrics);
struct metric_sample metrics_sample(const struct metrics *metrics, size_t index);
// Merges a sample of another process into the series of the same name and labels: counters and
// histograms add up, gauges as their type says, of exemplars the newest stays.
void metrics_merge(struct metrics *metrics, const struct metric_sample *sample);
