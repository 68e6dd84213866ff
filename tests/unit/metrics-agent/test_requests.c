#include "metrics-agent/requests.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static double value_of(const struct metrics *metrics, enum metric_id id)
{
    for (size_t i = 0; i < metrics_count(metrics); i++)
        if (metrics_sample(metrics, i).id == id)
            return metrics_sample(metrics, i).value;
    return -1;
}

Test(requests, of_a_pod_of_workers_are_those_from_the_bus)
{
    struct metrics *totals = metrics_new();
    metric_add(metrics_series(totals, METRIC_TASKS, "sms.inbound", "ok"), 10);
    metric_add(metrics_series(totals, METRIC_TASKS, "sms.inbound", "not_found"), 3);
    metric_add(metrics_series(totals, METRIC_TASKS, "conversation.post", "unavailable"), 2);
    metric_add(metrics_series(totals, METRIC_TASKS, "conversation.post", "internal"), 1);

    requests_are_tasks(totals);

    cr_assert(eq(dbl, value_of(totals, METRIC_REQUESTS), 16));
    cr_assert(eq(dbl, value_of(totals, METRIC_ERRORS), 3),
              "a mistake of the caller is not an error");
    metrics_free(&totals);
}

Test(requests, are_zero_before_the_first)
{
    struct metrics *totals = metrics_new();

    requests_are_tasks(totals);

    cr_assert(eq(dbl, value_of(totals, METRIC_REQUESTS), 0));
    cr_assert(eq(dbl, value_of(totals, METRIC_ERRORS), 0));
    metrics_free(&totals);
}
