#include "wire/telemetry/snapshot.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct snapshot_head head = {
    .role = STR_INIT("sms-worker"), .slot = STR_INIT("3"), .incarnation = 9, .started_ms = 17};
static const struct trace trace = {.high = 0xfedcba9876543210, .low = 7};

static void collect(void *context, const struct metric_sample *sample)
{
    metrics_merge(context, sample);
}

static void snapshot_make(struct buf *bytes)
{
    struct metrics *metrics = metrics_new();

    metric_add(metrics_series(metrics, METRIC_MESSAGES, "sms", "in", "accepted"), 12);
    metric_observe_traced(metrics_series(metrics, METRIC_WEBHOOK_DURATION), 0.02, &trace);
    snapshot_encode(&head, metrics, bytes);
    metrics_free(&metrics);
}

Test(snapshot, is_read_as_it_was_written)
{
    AUTO(buf) bytes = {0};
    struct metrics *copy = metrics_new();
    struct snapshot_head read;
    struct err err;
    snapshot_make(&bytes);

    cr_assert(snapshot_decode(buf_str(&bytes), &read, collect, copy, &err));

    cr_assert(str_equal(read.role, head.role));
    cr_assert(str_equal(read.slot, head.slot));
    cr_assert(eq(u64, read.incarnation, 9));
    cr_assert(eq(u64, read.started_ms, 17));
    struct metric_sample messages = metrics_sample(copy, 1), duration = metrics_sample(copy, 2);
    cr_assert(eq(int, messages.id, METRIC_MESSAGES));
    cr_assert(str_equal(messages.labels[2], STR("accepted")));
    cr_assert(eq(dbl, messages.value, 12));
    cr_assert(eq(u64, duration.buckets[5], 1));
    cr_assert(eq(u64, duration.exemplars[5].trace_high, trace.high));
    cr_assert(eq(u64, duration.exemplars[5].trace_low, trace.low));
    cr_assert(eq(dbl, duration.exemplars[5].value, 0.02));
    cr_assert(gt(i64, duration.exemplars[5].at_us, 0));
    cr_assert(eq(i64, duration.exemplars[4].at_us, 0));
    cr_assert(not(read.is_last));
    metrics_free(&copy);
}

Test(snapshot, skips_unknown_metrics)
{
    AUTO(buf) bytes = {0};
    struct metrics *copy = metrics_new();
    struct snapshot_head read;
    struct err err;
    snapshot_make(&bytes);
    char *name = memmem(bytes.data, bytes.len, "nexus_messages", 14);
    name[6] = 'M';

    cr_assert(snapshot_decode(buf_str(&bytes), &read, collect, copy, &err));

    cr_assert(eq(sz, metrics_count(copy), 2));
    metrics_free(&copy);
}

Test(snapshot, can_be_marked_as_the_last_one)
{
    AUTO(buf) bytes = {0};
    struct metrics *copy = metrics_new();
    struct snapshot_head read;
    struct err err;
    snapshot_make(&bytes);

    snapshot_make_last(&bytes);

    cr_assert(snapshot_decode(buf_str(&bytes), &read, collect, copy, &err));
    cr_assert(read.is_last);
    cr_assert(eq(sz, metrics_count(copy), 3));
    metrics_free(&copy);
}

Test(snapshot, survives_mutations)
{
    AUTO(buf) bytes = {0}, copy = {0};
    struct metrics *metrics = metrics_new();
    struct random random = {.state = 7};
    struct snapshot_head read;
    struct err err;
    int refused = 0;
    snapshot_make(&bytes);

    for (int i = 0; i < 20000; i++) {
        buf_clear(&copy);
        buf_append(&copy, bytes.data, bytes.len);
        for (uint64_t changes = 1 + random_below(&random, 3); changes > 0; changes--)
            copy.data[random_below(&random, copy.len)] = (char)random_next(&random);
        refused += !snapshot_decode(buf_str(&copy), &read, collect, metrics, &err);
    }

    cr_assert(gt(int, refused, 0));
    metrics_free(&metrics);
}
