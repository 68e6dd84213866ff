#include "telemetry/metrics.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static double value_of(const struct metrics *metrics, enum metric_id id, const char *label)
{
    for (size_t i = 0; i < metrics_count(metrics); i++) {
        struct metric_sample sample = metrics_sample(metrics, i);
        if (sample.id == id && (!label || str_equal(sample.labels[0], str_of(label))))
            return sample.value;
    }
    return -1;
}

Test(metrics, finds_the_same_series_for_the_same_labels)
{
    struct metrics *metrics = metrics_new();

    struct metric *first = metrics_series(metrics, METRIC_DELIVERIES, "sent");
    struct metric *other = metrics_series(metrics, METRIC_DELIVERIES, "failed");

    cr_assert(eq(ptr, metrics_series(metrics, METRIC_DELIVERIES, "sent"), first));
    cr_assert(ne(ptr, other, first));
    metrics_free(&metrics);
}

Test(metrics, counts_and_sets)
{
    struct metrics *metrics = metrics_new();

    metric_add(metrics_series(metrics, METRIC_DELIVERIES, "sent"), 2);
    metric_add(metrics_series(metrics, METRIC_DELIVERIES, "sent"), 3);
    metric_set(metrics_series(metrics, METRIC_DB_READY), 1);
    metric_set_total(metrics_series(metrics, METRIC_DB_REQUESTS, "postgresql"), 77);

    cr_assert(eq(dbl, value_of(metrics, METRIC_DELIVERIES, "sent"), 5));
    cr_assert(eq(dbl, value_of(metrics, METRIC_DB_READY, NULL), 1));
    cr_assert(eq(dbl, value_of(metrics, METRIC_DB_REQUESTS, "postgresql"), 77));
    metrics_free(&metrics);
}

Test(metrics, puts_an_observation_into_the_bucket_that_ends_at_or_above_it)
{
    struct metrics *metrics = metrics_new();
    struct metric *rows = metrics_series(metrics, METRIC_BATCH_ROWS, "sms.inbound");

    metric_observe(rows, 1);
    metric_observe(rows, 2);
    metric_observe(rows, 1000000);

    struct metric_sample sample = metrics_sample(metrics, metrics_count(metrics) - 1);
    const struct metric_type *type = metric_type(sample.id);
    cr_assert(eq(u64, sample.buckets[0], 1));
    cr_assert(eq(u64, sample.buckets[1], 1));
    cr_assert(eq(u64, sample.buckets[type->bound_count], 1));
    cr_assert(eq(dbl, sample.value, 1000003));
    metrics_free(&metrics);
}

Test(metrics, counts_changes_of_series_beyond_the_limit)
{
    struct metrics *metrics = metrics_new();
    char label[32];

    for (int i = 0; i < METRIC_SERIES_LIMIT + 10; i++) {
        snprintf(label, sizeof label, "%d", i);
        metric_add(metrics_series(metrics, METRIC_DELIVERIES, label), 1);
    }

    cr_assert(eq(sz, metrics_count(metrics), METRIC_SERIES_LIMIT));
    cr_assert(gt(dbl, value_of(metrics, METRIC_SERIES_OVERFLOW, NULL), 9));
    metrics_free(&metrics);
}

Test(metrics, merges_gauges_by_the_rule_of_their_row)
{
    struct metrics *metrics = metrics_new();
    const struct metric_sample samples[] = {
        {.id = METRIC_DB_READY, .value = 1},         {.id = METRIC_DB_READY, .value = 0},
        {.id = METRIC_HTTP_INFLIGHT, .value = 3},    {.id = METRIC_HTTP_INFLIGHT, .value = 4},
        {.id = METRIC_LEDGER_IMBALANCE, .value = 2}, {.id = METRIC_LEDGER_IMBALANCE, .value = 2},
    };

    for (size_t i = 0; i < COUNT_OF(samples); i++)
        metrics_merge(metrics, &samples[i]);

    cr_assert(eq(dbl, value_of(metrics, METRIC_DB_READY, NULL), 0));
    cr_assert(eq(dbl, value_of(metrics, METRIC_HTTP_INFLIGHT, NULL), 7));
    cr_assert(eq(dbl, value_of(metrics, METRIC_LEDGER_IMBALANCE, NULL), 2));
    metrics_free(&metrics);
}

Test(metrics, has_a_name_a_help_text_and_few_labels_for_every_row)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const struct metric_type *type = metric_type((enum metric_id)i);
        enum metric_id id;
        cr_assert(str_starts(type->name, STR("nexus_")) ||
                  metric_is_compatibility((enum metric_id)i));
        cr_assert(gt(sz, strlen(type->doc), 10));
        cr_assert(le(sz, metric_label_count((enum metric_id)i), METRIC_LABELS_LIMIT));
        cr_assert(metric_id_parse(type->name, &id) && id == i, "%s is there twice", type->name.ptr);
    }
}

Test(metrics, declares_the_values_of_every_label_once)
{
    static const struct {
        enum metric_id id;
        const char *label, *values;
    } rows[] = {
#define VALUES(id, label, values) {METRIC_##id, #label, values},
#include "telemetry/metric_values.def"
    };

    for (size_t i = 0; i < METRIC_COUNT; i++) {
        struct str names = str_of(metric_type((enum metric_id)i)->labels), name;
        while (str_present(names) && names.len) {
            int declared = 0;
            str_cut(names, ' ', &name, &names);
            for (size_t row = 0; row < COUNT_OF(rows); row++)
                declared += rows[row].id == i && str_equal(str_of(rows[row].label), name);
            cr_assert(eq(int, declared, 1), "%s{%.*s}", metric_type((enum metric_id)i)->name.ptr,
                      STR_ARG(name));
        }
    }
    for (size_t row = 0; row < COUNT_OF(rows); row++)
        cr_assert(ne(ptr, strstr(metric_type(rows[row].id)->labels, rows[row].label), NULL));
}
