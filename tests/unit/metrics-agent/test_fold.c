#include "metrics-agent/fold.h"

#include "base/random.h"
#include "wire/telemetry/snapshot.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

// One process: its identity, a counter and a gauge.
struct process {
    const char *role, *slot;
    uint64_t incarnation, started_ms;
    uint64_t sent;
    double inflight;
    bool is_last;
};

static void push(struct fold *fold, const struct process *process, int64_t now_ms)
{
    AUTO(buf) bytes = {0};
    struct metrics *metrics = metrics_new();
    struct err err = {0};
    const struct snapshot_head head = {.role = str_of(process->role),
                                       .slot = str_of(process->slot),
                                       .incarnation = process->incarnation,
                                       .started_ms = process->started_ms,
                                       .is_last = process->is_last};

    metric_add(metrics_series(metrics, METRIC_DELIVERIES, "sent"), process->sent);
    metric_set(metrics_series(metrics, METRIC_HTTP_INFLIGHT), process->inflight);
    metric_observe(metrics_series(metrics, METRIC_WEBHOOK_DURATION), 0.3);
    snapshot_encode(&head, metrics, &bytes);
    cr_assert(fold_take(fold, buf_str(&bytes), now_ms, &err), "%s", err.text);
    metrics_free(&metrics);
}

// The sum of a metric's series that have this value as a label; NULL: of all; -1: there is none.
static double total_of(struct fold *fold, enum metric_id id, const char *label, int64_t now_ms)
{
    struct metrics *totals = metrics_new();
    double value = -1;

    fold_totals(fold, now_ms, totals);
    for (size_t i = 0; i < metrics_count(totals); i++) {
        struct metric_sample sample = metrics_sample(totals, i);
        bool is_it = !label;
        for (size_t at = 0; at < metric_label_count(id); at++)
            is_it |= label && str_equal(sample.labels[at], str_of(label));
        if (sample.id == id && is_it)
            value = (value < 0 ? 0 : value) + sample.value;
    }
    metrics_free(&totals);
    return value;
}

static double total(struct fold *fold, enum metric_id id, int64_t now_ms)
{
    return total_of(fold, id, NULL, now_ms);
}

Test(fold, sums_the_processes)
{
    struct fold *fold = fold_new();
    push(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 5, .inflight = 1}, 0);
    push(fold, &(struct process){"sms-worker", "1", 2, 1000, .sent = 7, .inflight = 2}, 0);

    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 0), 12));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, 0), 3));
    cr_assert(eq(dbl, total(fold, METRIC_WEBHOOK_DURATION, 0), 0.6));
    fold_free(&fold);
}

Test(fold, takes_the_newest_snapshot_of_a_process_not_their_sum)
{
    struct fold *fold = fold_new();
    push(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 5}, 0);
    push(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 6}, 1000);

    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 1000), 6));
    fold_free(&fold);
}

Test(fold, keeps_the_counters_of_a_process_that_went_silent_and_drops_its_gauges)
{
    struct fold *fold = fold_new();
    push(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 5, .inflight = 1}, 0);

    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, FOLD_SILENT_MS + 1), 5));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, FOLD_SILENT_MS), 1));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, FOLD_SILENT_MS + 1), -1));
    fold_free(&fold);
}

Test(fold, adds_a_successor_to_what_its_predecessor_counted)
{
    struct fold *fold = fold_new();
    push(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 5, .inflight = 1}, 0);
    push(fold, &(struct process){"sms-worker", "0", 2, 2000, .sent = 1, .inflight = 4}, 1000);

    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 1000), 6));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, 1000), 4), "the old gauge is gone at once");

    // Its predecessor drains a little longer.
    push(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 6, .inflight = 1}, 2000);
    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 2000), 7));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, 2000), 4));
    fold_free(&fold);
}

Test(fold, does_not_count_a_frozen_process_twice)
{
    struct fold *fold = fold_new();
    push(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 5}, 0);
    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 60000), 5));

    push(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 8, .inflight = 1}, 60001);

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
        push(fold, &(struct process){"sms-worker", "0", number, number * 1000, .sent = 2}, now_ms);
        double now = total(fold, METRIC_DELIVERIES, now_ms);
        cr_assert(eq(dbl, now, before + 2));
        before = now;
    }
    fold_free(&fold);
}

Test(fold, refuses_malformed_snapshots)
{
    struct fold *fold = fold_new();
    struct err err;

    cr_assert(not(fold_take(fold, STR("\xdd\xff\xff\xff\xff"), 0, &err)));
    cr_assert(not(fold_take(fold, STR("\x91\x01"), 0, &err)));
    cr_assert(not(fold_take(fold, STR(""), 0, &err)));
    fold_free(&fold);
}

Test(fold, counts_restarts_by_reason)
{
    struct fold *fold = fold_new();
    push(fold, &(struct process){"gateway", "0", 1, 1000, .sent = 0}, 0);
    push(fold, &(struct process){"gateway", "1", 2, 1000, .sent = 0}, 0);
    cr_assert(eq(dbl, total(fold, METRIC_RESTARTS, 0), 0), "a first start is not a restart");

    push(fold, &(struct process){"gateway", "0", 3, 2000, .sent = 0}, 1000);
    push(fold, &(struct process){"gateway", "1", 2, 1000, .is_last = true}, 1000);
    push(fold, &(struct process){"gateway", "1", 4, 2000, .sent = 0}, 2000);
    push(fold, &(struct process){"gateway", "0", 5, 3000, .sent = 0}, 2000);

    cr_assert(eq(dbl, total_of(fold, METRIC_RESTARTS, "died", 2000), 2));
    cr_assert(eq(dbl, total_of(fold, METRIC_RESTARTS, "stopped", 2000), 1));

    push(fold, &(struct process){"gateway", "0", 3, 2000, .sent = 0}, 3000); // continued, and late
    cr_assert(eq(dbl, total(fold, METRIC_RESTARTS, 3000), 3));
    fold_free(&fold);
}

Test(fold, shows_no_gauge_of_a_process_that_ended_normally)
{
    struct fold *fold = fold_new();
    push(fold, &(struct process){"gateway", "0", 1, 1000, .sent = 5, .inflight = 1}, 0);
    push(fold, &(struct process){"gateway", "0", 1, 1000, .sent = 6, .is_last = true}, 1000);

    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 1000), 6));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, 1000), -1));
    cr_assert(eq(dbl, total(fold, METRIC_PROCESSES, 1000), -1));
    cr_assert(eq(dbl, total(fold, METRIC_PROC_TICK_AGE, 60000), -1), "it is not missing");
    fold_free(&fold);
}

Test(fold, shows_how_long_a_missing_process_has_been_silent)
{
    struct fold *fold = fold_new();
    push(fold, &(struct process){"gateway", "0", 1, 1000, .sent = 0}, 0);
    push(fold, &(struct process){"gateway", "1", 2, 1000, .sent = 0}, 20000);

    cr_assert(eq(dbl, total_of(fold, METRIC_PROC_TICK_AGE, "0", 21000), 21));
    cr_assert(eq(dbl, total_of(fold, METRIC_PROC_TICK_AGE, "1", 21000), 1));
    cr_assert(eq(dbl, total_of(fold, METRIC_PROCESSES, "gateway", 21000), 1));
    cr_assert(
        eq(dbl, total_of(fold, METRIC_PROC_TICK_AGE, "0", 30LL * 24 * 3600 * 1000), 30 * 24 * 3600),
        "also a month later");
    fold_free(&fold);
}

Test(fold, shows_counters_without_labels_before_anything_was_counted)
{
    struct fold *fold = fold_new();

    cr_assert(eq(dbl, total(fold, METRIC_ERRORS, 0), 0));
    cr_assert(eq(dbl, total(fold, METRIC_WEBHOOK_DURATION, 0), 0));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, 0), -1));
    fold_free(&fold);
}

static void record_keep(void *context, struct str snapshot)
{
    struct buf *kept = context;
    uint32_t length = (uint32_t)snapshot.len;

    buf_append(kept, &length, sizeof length);
    buf_str_append(kept, snapshot);
}

// Another agent starts with the state of the last one.
static void agent_restart(struct fold **fold, const struct buf *kept, int64_t now_ms)
{
    struct err err = {0};
    uint32_t length;

    fold_free(fold);
    *fold = fold_new();
    for (size_t at = 0; at < kept->len; at += length) {
        memcpy(&length, kept->data + at, sizeof length);
        at += sizeof length;
        cr_assert(fold_restore(*fold, str_make(kept->data + at, length), now_ms, &err), "%s",
                  err.text);
    }
}

Test(fold, continues_in_a_new_agent)
{
    AUTO(buf) kept = {0};
    struct fold *fold = fold_new();
    push(fold, &(struct process){"sms-worker", "0", 1, 1000, .sent = 5}, 0);
    push(fold, &(struct process){"sms-worker", "0", 2, 2000, .sent = 1, .inflight = 3}, 1000);
    push(fold, &(struct process){"sms-worker", "0", 2, 2000, .sent = 2, .inflight = 3}, 20000);
    fold_records(fold, record_keep, &kept);

    agent_restart(&fold, &kept, 0);

    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 0), 7));
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, 0), 3), "it counts as alive");
    cr_assert(eq(dbl, total(fold, METRIC_HTTP_INFLIGHT, FOLD_SILENT_MS + 1), -1));
    cr_assert(eq(dbl, total_of(fold, METRIC_RESTARTS, "died", 0), 1));

    push(fold, &(struct process){"sms-worker", "0", 3, 3000, .sent = 1}, 1000);
    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 1000), 8));
    cr_assert(eq(dbl, total_of(fold, METRIC_RESTARTS, "died", 1000), 2));
    fold_free(&fold);
}

Test(fold, knows_that_an_agent_stopped_normally)
{
    AUTO(buf) kept = {0};
    struct fold *fold = fold_new();
    push(fold, &(struct process){"metrics-agent", "0", 1, 1000, .sent = 5}, 0);
    fold_ended(fold, STR("metrics-agent"), STR("0"));
    fold_records(fold, record_keep, &kept);

    agent_restart(&fold, &kept, 0);
    push(fold, &(struct process){"metrics-agent", "0", 2, 2000, .sent = 1}, 0);

    cr_assert(eq(dbl, total_of(fold, METRIC_RESTARTS, "stopped", 0), 1));
    cr_assert(eq(dbl, total_of(fold, METRIC_RESTARTS, "died", 0), 0));
    cr_assert(eq(dbl, total(fold, METRIC_DELIVERIES, 0), 6));
    fold_free(&fold);
}

// Processes count, die and come back, snapshots are lost, the agent dies between two scrapes: no
// scrape shows less than one before it.
Test(fold, never_shows_lower_totals_after_a_process_died)
{
    enum { PROCESSES = 4, STEPS = 20000 };
    struct random random = {.state = 4004};
    struct process processes[PROCESSES];
    struct fold *fold = fold_new();
    AUTO(buf) kept = {0};
    uint64_t incarnation = 0;
    double shown = 0;

    for (int i = 0; i < PROCESSES; i++)
        processes[i] = (struct process){"sms-worker", (const char *[]){"0", "1", "2", "3"}[i],
                                        ++incarnation, incarnation, .sent = 0};
    for (int64_t step = 0; step < STEPS; step++) {
        int64_t now_ms = step * 700;
        struct process *process = &processes[random_below(&random, PROCESSES)];
        process->sent += random_below(&random, 5);
        if (random_below(&random, 40) == 0)
            *process = (struct process){"sms-worker", process->slot, ++incarnation, incarnation,
                                        .sent = 0};
        if (random_below(&random, 3) > 0)
            push(fold, process, now_ms);
        if (random_below(&random, 5) == 0) {
            buf_clear(&kept);
            fold_records(fold, record_keep, &kept);
            double now = total(fold, METRIC_DELIVERIES, now_ms);
            cr_assert(ge(dbl, now, shown), "step %lld", (long long)step);
            shown = now;
        }
        if (random_below(&random, 30) == 0)
            agent_restart(&fold, &kept, now_ms);
    }
    cr_assert(gt(dbl, shown, STEPS / 4.0));
    fold_free(&fold);
}
