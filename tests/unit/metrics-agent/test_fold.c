#include "metrics-agent/fold.h"

#include "wire/snapshot.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

// One process: a counter, a gauge, who it is.
struct process {
    const char *role, *slot;
    uint64_t incarnation, started_ms;
    uint64_t sent;
    double inflight;
};

static void heard(struct fold *fold, const struct process *process, int64_t now_ms)
{
    AUTO(buf) bytes = {0};
    struct metrics *metrics = metrics_new();
    struct err err = {0};
    const struct snapshot_head head = {.role = str_of(process->role),
                                       .slot = str_of(process->slot),
                                       .incarnation = process->incarnation,
                                       .started_ms = process->started_ms};

    metric_add(metrics_series(metrics, METRIC_DELIVERIES, "sent"), process->sent);
    metric_set(metrics_series(metrics, METRIC_HTTP_INFLIGHT), process->inflight);
    metric_observe(metrics_series(metrics, METRIC_WEBHOOK_DURATION), 0.3);
    snapshot_encode(&head, metrics, &bytes);
    cr_assert(fold_take(fold, buf_str(&bytes), now_ms, &err), "%s", err.text);
    metrics_free(&metrics);
}

static double total(struct fold *fold, enum metric_id id, int64_t now_ms)
{
    struct metrics *totals = metrics_new();
    double value = -1;

    fold_totals(fold, now_ms, totals);
    for (size_t i = 0; i < metrics_count(totals); i++)
        if (metrics_sample(totals, i).id == id)
            value = metrics_sample(totals, i).value;
    metrics_free(&totals);
    return value;
}

Test(fold, sums_the_processes)
{
    struct fold *fold = fold_new();
    heard(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 5, .inflight = 1}, 0);
    heard(fold, &(struct process){"sms-worker", "1", 2, 1000, .sent = 7, .inflight = 2}, 0);

    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 0), 12));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, 0), 3));
    cr_assert(eq(dbl, total(fold, METRIC_WEBHOOK_DURATION, 0), 0.6));
    fold_free(&fold);
}

Test(fold, takes_the_newest_snapshot_of_a_process_not_their_sum)
{
    struct fold *fold = fold_new();
    heard(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 5}, 0);
    heard(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 6}, 1000);

    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 1000), 6));
    fold_free(&fold);
}

Test(fold, keeps_the_counters_of_a_process_that_went_silent_and_drops_its_gauges)
{
    struct fold *fold = fold_new();
    heard(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 5, .inflight = 1}, 0);

    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, FOLD_SILENT_MS + 1), 5));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, FOLD_SILENT_MS), 1));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, FOLD_SILENT_MS + 1), -1));
    fold_free(&fold);
}

Test(fold, adds_a_successor_to_what_its_predecessor_counted)
{
    struct fold *fold = fold_new();
    heard(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 5, .inflight = 1}, 0);
    heard(fold, &(struct process){"sms-worker", "0", 2, 2000, .sent = 1, .inflight = 4}, 1000);

    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 1000), 6));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, 1000), 4), "the old gauge is gone at once");

    // Its predecessor drains a little longer.
    heard(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 6, .inflight = 1}, 2000);
    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 2000), 7));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, 2000), 4));
    fold_free(&fold);
}

Test(fold, does_not_count_twice_what_was_frozen_and_came_back)
{
    struct fold *fold = fold_new();
    heard(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 5}, 0);
    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 60000), 5));

    heard(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 8, .inflight = 1}, 60001);

    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 60001), 8));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, 60001), 1));
    fold_free(&fold);
}

Test(fold, never_lets_a_total_go_down_over_many_restarts)
{
    enum { RESTARTS = 3 * FOLD_PROCESSES_LIMIT };
    struct fold *fold = fold_new();
    double before = 0;

    for (int i = 0; i < RESTARTS; i++) {
        int64_t now_ms = (int64_t)i * 5000;
        uint64_t number = (uint64_t)i + 1;
        heard(fold, &(struct process){"sms-worker", "0", number, number * 1000, .sent = 2}, now_ms);
        double now = total(fold, METRIC_DELIVERIES, now_ms);
        cr_assert(eq(dbl, now, before + 2));
        before = now;
    }
    fold_free(&fold);
}

Test(fold, refuses_what_is_not_a_snapshot)
{
    struct fold *fold = fold_new();
    struct err err;

    cr_assert(not(fold_take(fold, STR("\xdd\xff\xff\xff\xff"), 0, &err)));
    cr_assert(not(fold_take(fold, STR("\x91\x01"), 0, &err)));
    cr_assert(not(fold_take(fold, STR(""), 0, &err)));
    fold_free(&fold);
}
