// exposition: see the header.
#include "metrics-agent/exposition.h"

#include <math.h>

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

// {a="x",b="y"}, with le where a bucket has one; nothing when there is none.
static void labels_write(struct buf *out, const struct metric_sample *sample, const char *le)
{
    struct str names = str_of(metric_type(sample->id)->labels), name;
    size_t count = metric_label_count(sample->id);

    if (count == 0 && !le)
        return;
    buf_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        str_cut(names, ' ', &name, &names);
        buf_printf(out, "%s%.*s=\"", i ? "," : "", STR_ARG(name));
        escaped(out, sample->labels[i], true);
        buf_byte(out, '"');
    }
    if (le)
        buf_printf(out, "%sle=\"%s\"", count ? "," : "", le);
    buf_byte(out, '}');
}

static void line_write(struct buf *out, const struct metric_sample *sample, const char *suffix,
                       const char *le, double value)
{
    buf_str_append(out, metric_type(sample->id)->name);
    buf_str_append(out, str_of(suffix));
    labels_write(out, sample, le);
    buf_byte(out, ' ');
    number_write(out, value);
    buf_byte(out, '\n');
}

static void histogram_write(struct buf *out, const struct metric_sample *sample)
{
    const struct metric_type *type = metric_type(sample->id);
    uint64_t count = 0;
    char le[32];

    for (size_t i = 0; i <= type->bound_count; i++) {
        count += sample->buckets[i];
        if (i < type->bound_count)
            snprintf(le, sizeof le, "%g", type->bounds[i]);
        line_write(out, sample, "_bucket", i < type->bound_count ? le : "+Inf", (double)count);
    }
    line_write(out, sample, "_sum", NULL, sample->value);
    line_write(out, sample, "_count", NULL, (double)count);
}

static void head_write(struct buf *out, const struct metric_type *type)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};

    buf_printf(out, "# HELP %.*s ", STR_ARG(type->name));
    escaped(out, str_of(type->doc), false);
    buf_printf(out, "\n# TYPE %.*s %s\n", STR_ARG(type->name), kinds[type->kind]);
}

static void family_write(const struct metrics *metrics, enum metric_id id, struct buf *out)
{
    bool headed = false;

    for (size_t i = 0; i < metrics_count(metrics); i++) {
        struct metric_sample sample = metrics_sample(metrics, i);
        if (sample.id != id)
            continue;
        if (!headed)
            head_write(out, metric_type(id));
        headed = true;
        if (sample.buckets)
            histogram_write(out, &sample);
        else
            line_write(out, &sample, "", NULL, sample.value);
    }
}

void exposition_write(const struct metrics *metrics, struct buf *out)
{
    for (size_t id = 0; id < METRIC_COUNT; id++)
        family_write(metrics, (enum metric_id)id, out);
}
