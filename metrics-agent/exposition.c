// exposition: series are sorted by family first; within one they keep the order they were made in.
#include "metrics-agent/exposition.h"

#include "base/heap.h"

#include <math.h>
#include <stdlib.h>

static void escaped(struct buf *out, struct str text, bool quotes)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\\' || (quotes && c == '"'))
            buf_byte(out, '\\');
        if (c == '\n')
            buf_str_append(out, STR("\\n"));
        else
            buf_byte(out, (unsigned char)c);
    }
}

static void number_write(struct buf *out, double value)
{
    if (value == floor(value) && fabs(value) < 9007199254740992.0)
        buf_int(out, (int64_t)value);
    else
        buf_printf(out, "%.15g", value);
}

// a="x",b="y"; nothing when there is none.
static void labels_write(struct buf *out, const struct metric_sample *sample)
{
    struct str names = str_of(metric_type(sample->id)->labels), name;
    size_t count = metric_label_count(sample->id);

    for (size_t i = 0; i < count; i++) {
        str_cut(names, ' ', &name, &names);
        if (i > 0)
            buf_byte(out, ',');
        buf_str_append(out, name);
        buf_str_append(out, STR("=\""));
        escaped(out, sample->labels[i], true);
        buf_byte(out, '"');
    }
}

static void line_begin(struct buf *out, struct str name, const char *suffix, struct str labels)
{
    buf_str_append(out, name);
    buf_str_append(out, str_of(suffix));
    if (labels.len == 0)
        return;
    buf_byte(out, '{');
    buf_str_append(out, labels);
    buf_byte(out, '}');
}

static void line_write(struct buf *out, struct str name, const char *suffix, struct str labels,
                       double value)
{
    line_begin(out, name, suffix, labels);
    buf_byte(out, ' ');
    number_write(out, value);
    buf_byte(out, '\n');
}

static void exemplar_write(struct buf *out, const struct metric_exemplar *exemplar)
{
    if (exemplar->at_us == 0)
        return;
    buf_printf(out, " # {trace_id=\"%016llx%016llx\"} ", (unsigned long long)exemplar->trace_high,
               (unsigned long long)exemplar->trace_low);
    number_write(out, exemplar->value);
    buf_printf(out, " %lld.%06lld", (long long)(exemplar->at_us / 1000000),
               (long long)(exemplar->at_us % 1000000));
}

static void bucket_write(struct buf *out, const struct metric_sample *sample, struct str labels,
                         size_t bucket, uint64_t count)
{
    const struct metric_type *type = metric_type(sample->id);

    buf_str_append(out, type->name);
    buf_str_append(out, STR("_bucket{"));
    buf_str_append(out, labels);
    if (labels.len > 0)
        buf_byte(out, ',');
    if (bucket < type->bound_count)
        buf_printf(out, "le=\"%g\"} ", type->bounds[bucket]);
    else
        buf_str_append(out, STR("le=\"+Inf\"} "));
    number_write(out, (double)count);
}

static void histogram_write(struct buf *out, const struct metric_sample *sample, struct str labels,
                            enum exposition_format format)
{
    const struct metric_type *type = metric_type(sample->id);
    uint64_t count = 0;

    for (size_t i = 0; i <= type->bound_count; i++) {
        count += sample->buckets[i];
        bucket_write(out, sample, labels, i, count);
        if (format == EXPOSITION_OPENMETRICS && sample->exemplars)
            exemplar_write(out, &sample->exemplars[i]);
        buf_byte(out, '\n');
    }
    line_write(out, type->name, "_sum", labels, sample->value);
    line_write(out, type->name, "_count", labels, (double)count);
}

// In OpenMetrics the family of a counter has the name without _total.
static struct str family_name(const struct metric_type *type, enum exposition_format format)
{
    struct str name = type->name;

    if (format == EXPOSITION_OPENMETRICS && type->kind == METRIC_COUNTER)
        name.len -= strlen("_total");
    return name;
}

static void head_write(struct buf *out, const struct metric_type *type,
                       enum exposition_format format)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    struct str name = family_name(type, format);

    buf_printf(out, "# HELP %.*s ", STR_ARG(name));
    escaped(out, str_of(type->doc), format == EXPOSITION_OPENMETRICS);
    buf_printf(out, "\n# TYPE %.*s %s\n", STR_ARG(name), kinds[type->kind]);
}

static void series_write(struct buf *out, const struct metric_sample *sample, struct buf *labels,
                         enum exposition_format format)
{
    buf_clear(labels);
    labels_write(labels, sample);
    if (sample->buckets)
        histogram_write(out, sample, buf_str(labels), format);
    else
        line_write(out, metric_type(sample->id)->name, "", buf_str(labels), sample->value);
}

// Where the series of each family begin, and the series in that order.
static uint16_t *series_sort(const struct metrics *metrics, size_t begins[METRIC_COUNT + 1])
{
    size_t count = metrics_count(metrics), next[METRIC_COUNT];
    uint16_t *order = heap_array(count + 1, sizeof *order);
    memset(begins, 0, (METRIC_COUNT + 1) * sizeof begins[0]);
    for (size_t i = 0; i < count; i++)
        begins[metrics_sample(metrics, i).id + 1]++;
    for (size_t id = 0; id < METRIC_COUNT; id++) {
        begins[id + 1] += begins[id];
        next[id] = begins[id];
    }
    for (size_t i = 0; i < count; i++)
        order[next[metrics_sample(metrics, i).id]++] = (uint16_t)i;
    return order;
}

void exposition_write(const struct metrics *metrics, enum exposition_format format,
                      bool compatibility, struct buf *out)
{
    size_t begins[METRIC_COUNT + 1];
    uint16_t *order = series_sort(metrics, begins);
    AUTO(buf) labels = {0};

    for (size_t id = 0; id < METRIC_COUNT; id++) {
        if (begins[id] == begins[id + 1] ||
            (!compatibility && metric_is_compatibility((enum metric_id)id)))
            continue;
        head_write(out, metric_type((enum metric_id)id), format);
        for (size_t i = begins[id]; i < begins[id + 1]; i++) {
            struct metric_sample sample = metrics_sample(metrics, order[i]);
            series_write(out, &sample, &labels, format);
        }
    }
    if (format == EXPOSITION_OPENMETRICS)
        buf_str_append(out, STR("# EOF\n"));
    free(order);
}
