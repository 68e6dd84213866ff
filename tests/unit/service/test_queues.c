#include "service/stats/queues.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(queues, agree_with_the_metrics_of_a_process)
{
    struct metrics *metrics = metrics_new();
    struct bus_queue queues[4];
    metric_set(metrics_series(metrics, METRIC_QUEUE_DEPTH, "deliveries"), 7);
    metric_set(metrics_series(metrics, METRIC_QUEUE_OLDEST_AGE, "deliveries"), 1.5);
    metric_set(metrics_series(metrics, METRIC_WORKERS, "sms-worker"), 3);

    size_t count = queues_add_own(metrics, queues, 0, 4);

    cr_assert(eq(sz, count, 1));
    cr_assert(eq(str, queues[0].name, "deliveries"));
    cr_assert(eq(u64, queues[0].depth, 7));
    cr_assert(eq(u64, queues[0].oldest_ms, 1500));
    metrics_free(&metrics);
}

Test(queues, that_several_workers_measure_have_the_largest_value)
{
    struct bus_queue queues[4];
    size_t count = 0;

    count = queues_add(&(struct bus_queue){"deliveries", 7, 900}, queues, count, 4);
    count = queues_add(&(struct bus_queue){"deliveries", 5, 1100}, queues, count, 4);

    cr_assert(eq(sz, count, 1));
    cr_assert(eq(u64, queues[0].depth, 7));
    cr_assert(eq(u64, queues[0].oldest_ms, 1100));
}

Test(queues, leaves_out_queues_beyond_the_limit)
{
    struct metrics *metrics = metrics_new();
    struct bus_queue queues[2];
    char name[24];
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "queue %d", i);
        metric_set(metrics_series(metrics, METRIC_QUEUE_DEPTH, name), i);
    }
    metric_set(metrics_series(metrics, METRIC_QUEUE_DEPTH, "a name that is longer than any may be"),
               1);

    cr_assert(eq(sz, queues_add_own(metrics, queues, 0, 2), 2));
    metrics_free(&metrics);
}
