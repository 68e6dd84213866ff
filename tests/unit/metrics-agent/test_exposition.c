#include "metrics-agent/exposition.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const char *exposition(struct metrics *metrics, struct buf *out)
{
    exposition_write(metrics, out);
    return buf_c_string(out);
}

Test(exposition, puts_help_and_type_before_the_lines_of_a_family)
{
    AUTO(buf) out = {0};
    struct metrics *metrics = metrics_new();
    metric_add(metrics_series(metrics, METRIC_DELIVERIES, "sent"), 3);
    metric_set(metrics_series(metrics, METRIC_DB_READY), 1);
    metric_add(metrics_series(metrics, METRIC_DELIVERIES, "failed"), 1);

    const char *text = exposition(metrics, &out);

    cr_assert(ne(ptr,
                 strstr(text, "# TYPE nexus_deliveries_total counter\n"
                              "nexus_deliveries_total{outcome=\"sent\"} 3\n"
                              "nexus_deliveries_total{outcome=\"failed\"} 1\n"),
                 NULL));
    cr_assert(ne(ptr, strstr(text, "# TYPE nexus_db_ready gauge\nnexus_db_ready 1\n"), NULL));
    cr_assert(eq(
        ptr,
        strstr(strstr(text, "# HELP nexus_deliveries_total") + 1, "# HELP nexus_deliveries_total"),
        NULL));
    metrics_free(&metrics);
}

Test(exposition, escapes_label_values)
{
    AUTO(buf) out = {0};
    struct metrics *metrics = metrics_new();
    metric_add(metrics_series(metrics, METRIC_DELIVERIES, "a\"b\\c\nd"), 1);

    const char *text = exposition(metrics, &out);

    cr_assert(ne(ptr, strstr(text, "{outcome=\"a\\\"b\\\\c\\nd\"} 1\n"), NULL));
    metrics_free(&metrics);
}

Test(exposition, writes_histograms_cumulatively_up_to_infinity)
{
    AUTO(buf) out = {0};
    struct metrics *metrics = metrics_new();
    struct metric *rows = metrics_series(metrics, METRIC_BATCH_ROWS, "sms.inbound");
    metric_observe(rows, 1);
    metric_observe(rows, 2);
    metric_observe(rows, 10000);

    const char *text = exposition(metrics, &out);

    cr_assert(ne(ptr,
                 strstr(text, "nexus_batch_rows_bucket{batch=\"sms.inbound\",le=\"1\"} 1\n"
                              "nexus_batch_rows_bucket{batch=\"sms.inbound\",le=\"2\"} 2\n"),
                 NULL));
    cr_assert(ne(ptr,
                 strstr(text, "le=\"+Inf\"} 3\n"
                              "nexus_batch_rows_sum{batch=\"sms.inbound\"} 10003\n"
                              "nexus_batch_rows_count{batch=\"sms.inbound\"} 3\n"),
                 NULL));
    metrics_free(&metrics);
}

Test(exposition, ends_every_line)
{
    AUTO(buf) out = {0};
    struct metrics *metrics = metrics_new();

    exposition_write(metrics, &out);

    cr_assert(gt(sz, out.len, 0));
    cr_assert(eq(chr, out.data[out.len - 1], '\n'));
    metrics_free(&metrics);
}
