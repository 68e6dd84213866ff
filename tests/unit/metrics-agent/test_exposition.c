#include "metrics-agent/exposition.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const char *exposition(struct metrics *metrics, struct buf *out)
{
    exposition_write(metrics, EXPOSITION_TEXT, true, out);
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

    exposition_write(metrics, EXPOSITION_TEXT, true, &out);

    cr_assert(gt(sz, out.len, 0));
    cr_assert(eq(chr, out.data[out.len - 1], '\n'));
    metrics_free(&metrics);
}

Test(exposition, keeps_the_lines_of_a_family_together_in_whatever_order_they_were_made)
{
    AUTO(buf) out = {0};
    struct metrics *metrics = metrics_new();
    metric_set(metrics_series(metrics, METRIC_DB_READY), 1);
    metric_add(metrics_series(metrics, METRIC_DELIVERIES, "sent"), 3);
    metric_add(metrics_series(metrics, METRIC_REQUESTS), 9);
    metric_add(metrics_series(metrics, METRIC_DELIVERIES, "failed"), 1);

    const char *text = exposition(metrics, &out);

    cr_assert(ne(
        ptr, strstr(text, "{outcome=\"sent\"} 3\nnexus_deliveries_total{outcome=\"failed\"} 1\n"),
        NULL));
    cr_assert(lt(ptr, (void *)strstr(text, "nexus_request_total 9"),
                 (void *)strstr(text, "nexus_db_ready 1")));
    metrics_free(&metrics);
}

Test(exposition, leaves_out_compatibility_names_on_request)
{
    AUTO(buf) with = {0}, without = {0};
    struct metrics *metrics = metrics_new();
    metric_set(metrics_series(metrics, METRIC_NODE_LAG), 1);
    metric_set(metrics_series(metrics, METRIC_NODE_LAG_IWD), 1);
    metric_set(metrics_series(metrics, METRIC_PROCESS_FDS), 1);

    exposition_write(metrics, EXPOSITION_TEXT, true, &with);
    exposition_write(metrics, EXPOSITION_TEXT, false, &without);

    cr_assert(ne(ptr, strstr(buf_c_string(&with), "iwd_nodejs_eventloop_lag_seconds 1\n"), NULL));
    cr_assert(eq(ptr, strstr(buf_c_string(&without), "nodejs"), NULL));
    cr_assert(ne(ptr, strstr(buf_c_string(&without), "nexus_process_open_fds 1\n"), NULL));
    metrics_free(&metrics);
}

Test(exposition, names_the_family_of_a_counter_in_openmetrics_without_its_total)
{
    AUTO(buf) out = {0};
    struct metrics *metrics = metrics_new();
    metric_add(metrics_series(metrics, METRIC_DELIVERIES, "sent"), 3);

    exposition_write(metrics, EXPOSITION_OPENMETRICS, true, &out);
    const char *text = buf_c_string(&out);

    cr_assert(
        ne(ptr,
           strstr(text,
                  "# TYPE nexus_deliveries counter\nnexus_deliveries_total{outcome=\"sent\"} 3\n"),
           NULL));
    cr_assert(eq(str, (char *)text + out.len - 6, "# EOF\n"));
    metrics_free(&metrics);
}

Test(exposition, shows_in_openmetrics_the_trace_of_the_last_value_in_a_bucket)
{
    AUTO(buf) text = {0}, openmetrics = {0};
    struct metrics *metrics = metrics_new();
    const struct trace first = {.high = 1, .low = 1}, last = {.high = 0xa, .low = 0xb};
    struct metric *duration = metrics_series(metrics, METRIC_HTTP_DURATION, "SMS_MESSAGE");
    metric_observe_traced(duration, 0.003, &first);
    metric_observe_traced(duration, 0.004, &last);
    metric_observe(duration, 0.0045);

    exposition_write(metrics, EXPOSITION_TEXT, true, &text);
    exposition_write(metrics, EXPOSITION_OPENMETRICS, true, &openmetrics);

    const char *line = strstr(buf_c_string(&openmetrics), "le=\"0.005\"} 3 # ");
    cr_assert(ne(ptr, (void *)line, NULL));
    cr_assert(str_starts(
        str_of(line),
        STR("le=\"0.005\"} 3 # {trace_id=\"000000000000000a000000000000000b\"} 0.004 ")));
    cr_assert(eq(ptr, strstr(buf_c_string(&text), "trace_id"), NULL));
    metrics_free(&metrics);
}
