// metrics: series are found by a key of id and label values, and kept in the order they were made.
#include "telemetry/metrics.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/panic.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

static const double bounds_LATENCY[] = {.0005, .001, .0025, .005, .01, .025, .05,
                                        .1,    .25,  .5,    1,    2.5, 5,    15};
static const double bounds_STAGE[] = {.0005, .001, .0025, .005, .01, .025, .05, .1,
                                      .25,   .5,   1,     2.5,  5,   15,   60,  300};
static const double bounds_QUERY_MS[] = {.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000};
static const double bounds_QUERY[] = {.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5};
static const double bounds_READY_MS[] = {1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000};
static const double bounds_ROWS[] = {1, 2, 5, 10, 20, 50, 100, 150, 200};

static const struct metric_type types[METRIC_COUNT] = {
#define COUNTER(id, metric_name, label_names, text)                                                \
    [METRIC_##id] = {.name = STR_INIT(metric_name),                                                \
                     .kind = METRIC_COUNTER,                                                       \
                     .labels = label_names,                                                        \
                     .doc = text},
#define GAUGE(id, metric_name, label_names, how, text)                                             \
    [METRIC_##id] = {.name = STR_INIT(metric_name),                                                \
                     .kind = METRIC_GAUGE,                                                         \
                     .across = METRIC_##how,                                                       \
                     .labels = label_names,                                                        \
                     .doc = text},
#define HISTOGRAM(id, metric_name, label_names, buckets, text)                                     \
    [METRIC_##id] = {.name = STR_INIT(metric_name),                                                \
                     .kind = METRIC_HISTOGRAM,                                                     \
                     .labels = label_names,                                                        \
                     .bounds = bounds_##buckets,                                                   \
                     .bound_count = COUNT_OF(bounds_##buckets),                                    \
                     .doc = text},
#include "telemetry/metrics.def"
};

// A build without counting is used to measure the cost of counting (./build.sh bench counting).
#ifdef NEXUS_WITHOUT_COUNTING
enum { COUNTING = false };
#else
enum { COUNTING = true };
#endif

struct metric {
    const struct metric_type *type;
    enum metric_id id;
    double value;
    uint64_t *buckets;
    struct metric_exemplar *exemplars; // made when the first one comes
    struct metric *overflow;           // of the shared overflow series: what is counted instead
    char *text;
    struct str labels[]; // inside text
};

struct metrics {
    struct map *by_key;
    struct metric **series;
    size_t count, capacity;
    struct metric *nowhere;
};

const struct metric_type *metric_type(enum metric_id id)
{
    return &types[id];
}

bool metric_id_parse(struct str name, enum metric_id *id)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        if (str_equal(types[i].name, name)) {
            *id = (enum metric_id)i;
            return true;
        }
    }
    return false;
}

size_t metric_label_count(enum metric_id id)
{
    struct str names = str_of(types[id].labels), name;
    size_t count = 0;

    while (str_present(names) && names.len) {
        str_cut(names, ' ', &name, &names);
        count++;
    }
    return count;
}

bool metric_is_compatibility(enum metric_id id)
{
    return str_starts(types[id].name, STR("iwd_")) ||
           str_starts(types[id].name, STR("nexus_nodejs_"));
}

static void *zeroed(size_t count, size_t size)
{
    void *memory = heap_array(count, size);
    return memory;
}

struct metrics *metrics_new(void)
{
    struct metrics *metrics = zeroed(1, sizeof *metrics);
    metrics->by_key = map_new();
    metrics->nowhere = zeroed(1, sizeof *metrics->nowhere);
    metrics->nowhere->overflow = metrics_series(metrics, METRIC_SERIES_OVERFLOW);
    return metrics;
}

static void metric_free(struct metric *metric)
{
    free(metric->text);
    free(metric->buckets);
    free(metric->exemplars);
    free(metric);
}

void metrics_free(struct metrics **metrics)
{
    if (!*metrics)
        return;
    for (size_t i = 0; i < (*metrics)->count; i++)
        metric_free((*metrics)->series[i]);
    free((*metrics)->series);
    free((*metrics)->nowhere);
    map_free(&(*metrics)->by_key);
    free(*metrics);
    *metrics = NULL;
}

// text holds the id in two bytes and then each label value with a NUL. It is the key, and the
// labels point into it.
static struct metric *metric_new(enum metric_id id, struct str key)
{
    size_t labels = metric_label_count(id);
    struct metric *metric = zeroed(1, sizeof *metric + labels * sizeof metric->labels[0]);
    *metric = (struct metric){.type = &types[id], .id = id, .text = zeroed(1, key.len)};
    memcpy(metric->text, key.ptr, key.len);

    const char *value = metric->text + 2;
    for (size_t i = 0; i < labels; i++) {
        metric->labels[i] = str_of(value);
        value += metric->labels[i].len + 1;
    }
    if (types[id].kind == METRIC_HISTOGRAM)
        metric->buckets = zeroed(types[id].bound_count + 1, sizeof *metric->buckets);
    return metric;
}

static struct metric *metrics_find(struct metrics *metrics, enum metric_id id,
                                   const struct str *labels, bool *created)
{
    AUTO(buf) key = {0};

    buf_byte(&key, (unsigned char)(id >> 8));
    buf_byte(&key, (unsigned char)id);
    for (size_t i = 0; i < metric_label_count(id); i++) {
        struct str label = labels[i];
        if (label.len > METRIC_LABEL_BYTES_LIMIT)
            label.len = METRIC_LABEL_BYTES_LIMIT;
        buf_append(&key, label.ptr, strnlen(label.ptr, label.len));
        buf_byte(&key, '\0');
    }
    struct metric *metric = map_get(metrics->by_key, buf_str(&key));
    *created = !metric;
    if (metric)
        return metric;
    if (metrics->count == METRIC_SERIES_LIMIT)
        return metrics->nowhere;

    metric = metric_new(id, buf_str(&key));
    map_put(metrics->by_key, buf_str(&key), metric);
    if (metrics->count == metrics->capacity) {
        metrics->capacity = metrics->capacity ? metrics->capacity * 2 : 64;
        metrics->series = heap_resize(metrics->series, metrics->capacity * sizeof(struct metric *));
    }
    metrics->series[metrics->count++] = metric;
    return metric;
}

struct metric *metrics_series(struct metrics *metrics, enum metric_id id, ...)
{
    struct str labels[METRIC_LABELS_LIMIT];
    size_t count = metric_label_count(id);
    bool created;
    va_list arguments;

    ASSERT(count <= METRIC_LABELS_LIMIT);
    va_start(arguments, id);
    for (size_t i = 0; i < count; i++)
        labels[i] = str_of(va_arg(arguments, const char *));
    va_end(arguments);
    return metrics_find(metrics, id, labels, &created);
}

void metric_add(struct metric *counter, uint64_t count)
{
    if (!COUNTING)
        return;
    if (counter->overflow)
        counter = counter->overflow;
    counter->value += (double)count;
}

void metric_set(struct metric *gauge, double value)
{
    if (!COUNTING)
        return;
    if (gauge->overflow)
        metric_add(gauge, 1);
    else
        gauge->value = value;
}

void metrics_unset(struct metrics *metrics, enum metric_id gauge)
{
    for (size_t i = 0; i < metrics->count; i++)
        if (metrics->series[i]->id == gauge)
            metrics->series[i]->value = (double)NAN;
}

void metric_set_total(struct metric *counter, double total)
{
    metric_set(counter, total);
}

static size_t bucket_of(const struct metric *histogram, double value)
{
    size_t bucket = 0;

    while (bucket < histogram->type->bound_count && value > histogram->type->bounds[bucket])
        bucket++;
    return bucket;
}

static struct metric_exemplar *exemplars_of(struct metric *histogram)
{
    if (!histogram->exemplars)
        histogram->exemplars =
            zeroed(histogram->type->bound_count + 1, sizeof *histogram->exemplars);
    return histogram->exemplars;
}

void metric_observe_traced(struct metric *histogram, double value, const struct trace *trace)
{
    if (!COUNTING)
        return;
    if (histogram->overflow) {
        metric_add(histogram, 1);
        return;
    }
    size_t bucket = bucket_of(histogram, value);
    histogram->buckets[bucket]++;
    histogram->value += value;
    if (trace && !trace_is_none(trace))
        exemplars_of(histogram)[bucket] = (struct metric_exemplar){.trace_high = trace->high,
                                                                   .trace_low = trace->low,
                                                                   .value = value,
                                                                   .at_us = clock_unix_us()};
}

void metric_observe(struct metric *histogram, double value)
{
    metric_observe_traced(histogram, value, NULL);
}

size_t metrics_count(const struct metrics *metrics)
{
    return metrics->count;
}

struct metric_sample metrics_sample(const struct metrics *metrics, size_t index)
{
    const struct metric *metric = metrics->series[index];
    struct metric_sample sample = {.id = metric->id,
                                   .value = metric->value,
                                   .buckets = metric->buckets,
                                   .exemplars = metric->exemplars};

    memcpy(sample.labels, metric->labels, metric_label_count(metric->id) * sizeof sample.labels[0]);
    return sample;
}

static double gauge_merge(enum metric_across across, double a, double b)
{
    switch (across) {
    case METRIC_SUM: return a + b;
    case METRIC_MIN: return a < b ? a : b;
    case METRIC_MAX: return a > b ? a : b;
    }
    return b;
}

static void exemplars_merge(struct metric *metric, const struct metric_exemplar *exemplars)
{
    struct metric_exemplar *into = exemplars_of(metric);

    for (size_t i = 0; i <= metric->type->bound_count; i++)
        if (exemplars[i].at_us > into[i].at_us)
            into[i] = exemplars[i];
}

void metrics_merge(struct metrics *metrics, const struct metric_sample *sample)
{
    bool created;

    if (types[sample->id].kind == METRIC_GAUGE && isnan(sample->value))
        return; // unset: unknown
    struct metric *metric = metrics_find(metrics, sample->id, sample->labels, &created);
    if (metric->overflow) {
        metric_add(metric, 1);
    } else if (metric->type->kind != METRIC_GAUGE) {
        metric->value += sample->value;
        for (size_t i = 0; metric->buckets && i <= metric->type->bound_count; i++)
            metric->buckets[i] += sample->buckets[i];
        if (metric->buckets && sample->exemplars)
            exemplars_merge(metric, sample->exemplars);
    } else {
        metric->value = created ? sample->value
                                : gauge_merge(metric->type->across, metric->value, sample->value);
    }
}
