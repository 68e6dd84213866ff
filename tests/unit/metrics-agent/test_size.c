#include "base/buf.h"
#include "metrics-agent/exposition.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

// Twenty busy processes with every value of every label. Only labels whose values multiply (outcomes of a
// message, codes of a route) have as many as occur in practice.
enum { OUTCOMES = 4, CODES = 4, SLOTS = 4, VALUES_LIMIT = 80, SIZE_LIMIT = 220 * 1000 };

static const char *const routes[] = {
#define CALL(row, ...)   #row,
#define STREAM(row, ...) #row,
#define OWN(row, ...)    #row,
#define LOCAL(row, ...)  #row,
#include "gateway/routes.def"
#undef CALL
#undef STREAM
#undef LOCAL
};
static const char *const messages[] = {
#define MESSAGE(id, name, text, ...) text,
#include "wire/messages.def"
};
static const char *const programs[] = {"gateway", "chat-worker", "sms-worker",
                                       "provisioning-worker", "metrics-agent"};
static const char *const outcomes[] = {"ok", "not_found", "unknown_outcome", "unavailable"};
static const char *const codes[] = {"200", "404", "429", "503"};
static const char *const slots[] = {"10", "11", "12", "13"};
static const char *const states[] = {"08006", "40001", "40P01", "23505", "57014", "other"};
static const char *const batches[] = {"sms.inbound", "sms.receipt", "conversation.post",
                                      "delivery.complete", "caller.lookup"};
static const char *const build[] = {"GNU 12.2.0"};
static const char *const methods[] = {"POST"}; // each route has one

static const struct {
    const char *name;
    const char *const *values;
    size_t count;
} sets[] = {
    {"@routes", routes, COUNT_OF(routes)},
    {"@messages", messages, COUNT_OF(messages)},
    {"@programs", programs, COUNT_OF(programs)},
    {"@errors", outcomes, OUTCOMES},
    {"@status", codes, CODES},
    {"@slot", slots, SLOTS},
    {"@states", states, COUNT_OF(states)},
    {"@batches", batches, COUNT_OF(batches)},
    {"@build", build, COUNT_OF(build)},
};

static const struct {
    enum metric_id id;
    const char *label, *values;
} rows[] = {
#define VALUES(id, label, values) {METRIC_##id, #label, values},
#include "telemetry/metric_values.def"
};

static size_t values_of(enum metric_id id, struct str label, struct str values[VALUES_LIMIT])
{
    size_t count = 0;

    if (str_equal(label, STR("method")) && id == METRIC_HTTP_REQUESTS) {
        values[0] = str_of(methods[0]);
        return 1;
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str list = str_of(rows[i].values), value;
        if (rows[i].id != id || !str_equal(str_of(rows[i].label), label))
            continue;
        for (size_t set = 0; set < COUNT_OF(sets); set++)
            for (size_t at = 0; str_equal(list, str_of(sets[set].name)) && at < sets[set].count;
                 at++)
                values[count++] = str_of(sets[set].values[at]);
        while (count == 0 || (str_present(list) && list.ptr[0] != '@')) {
            str_cut(list, ' ', &value, &list);
            values[count++] = value;
            if (!str_present(list))
                break;
        }
    }
    return count;
}

static void series_add(struct metrics *metrics, struct metric_sample *sample, struct str names,
                       size_t at)
{
    struct str name, values[VALUES_LIMIT];

    if (!str_present(names) || names.len == 0) {
        metrics_merge(metrics, sample);
        return;
    }
    str_cut(names, ' ', &name, &names);
    size_t count = values_of(sample->id, name, values);
    cr_assert(gt(sz, count, 0), "%.*s", STR_ARG(name));
    for (size_t i = 0; i < count; i++) {
        sample->labels[at] = values[i];
        series_add(metrics, sample, names, at + 1);
    }
}

static struct metrics *everything(void)
{
    struct metrics *metrics = metrics_new();
    uint64_t buckets[METRIC_BUCKETS_LIMIT];
    struct metric_exemplar exemplars[METRIC_BUCKETS_LIMIT];

    for (size_t i = 0; i < METRIC_BUCKETS_LIMIT; i++) {
        buckets[i] = 123456;
        // The times of a route are in half of its buckets.
        exemplars[i] = (struct metric_exemplar){
            .trace_low = 1, .value = 0.012345, .at_us = i % 2 ? 1700000000000000 : 0};
    }
    for (size_t id = 0; id < METRIC_COUNT; id++) {
        bool is_histogram = metric_type((enum metric_id)id)->kind == METRIC_HISTOGRAM;
        struct metric_sample sample = {
            .id = (enum metric_id)id,
            .value = 1234567.890123,
            .buckets = is_histogram ? buckets : NULL,
            // As many exemplars as are kept when there are traces.
            .exemplars = id == METRIC_HTTP_DURATION || id == METRIC_STAGES ? exemplars : NULL};
        series_add(metrics, &sample, str_of(metric_type((enum metric_id)id)->labels), 0);
    }
    return metrics;
}

Test(size, of_a_scrape_of_twenty_busy_processes_stays_in_bounds)
{
    AUTO(buf) text = {0}, openmetrics = {0};
    struct metrics *metrics = everything();

    exposition_write(metrics, EXPOSITION_TEXT, true, &text);
    exposition_write(metrics, EXPOSITION_OPENMETRICS, true, &openmetrics);

    cr_assert(gt(sz, text.len, SIZE_LIMIT / 2)); // the scrape is as large as intended
    cr_assert(le(sz, text.len, SIZE_LIMIT));
    cr_assert(le(sz, openmetrics.len, SIZE_LIMIT));
    cr_assert(lt(sz, metrics_count(metrics), METRIC_SERIES_LIMIT));
    metrics_free(&metrics);
}
