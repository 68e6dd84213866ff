// pipeline_view: the numbers of each hop from a scrape, and the judgement of each hop.
#include "gateway/pipeline/pipeline_view.h"

#include "telemetry/metrics.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const char up[] =
    "nexus_workers{service=\"chat-worker\"} 1\nnexus_workers{service=\"sms-worker\"} 1\n"
    "nexus_workers{service=\"provisioning-worker\"} "
    "1\nnexus_db_connections{db=\"postgresql\",state=\"ready\"} 4\n";

static struct pipeline_sample sample(const char *more, int64_t at_s)
{
    struct pipeline_sample sample;
    AUTO(buf) text = {0};

    buf_printf(&text, "# HELP nexus_request_total x\n%s%s", up, more);
    pipeline_read(buf_str(&text), at_s * 1000000, &sample);
    return sample;
}

static const char *judged(const struct pipeline_sample *before, const struct pipeline_sample *now,
                          enum pipeline_hop hop)
{
    static const char *const words[] = {"idle", "good", "warn", "bad"};
    static struct buf text; // valid until the next call
    AUTO(buf) why = {0};
    enum pipeline_state state = pipeline_judge(before, now, hop, &why);

    buf_clear(&text);
    buf_printf(&text, "%s%s%.*s", words[state], why.len ? ": " : "", STR_ARG(buf_str(&why)));
    return buf_c_string(&text);
}

#define JUDGED(before, now, hop) ((char *)judged(before, now, PIPELINE_##hop))

Test(pipeline_view, names_only_existing_metrics)
{
    static const char *const names[] = {
#define HOP(...)
#define FROM(hop, measure, metric, label) metric,
#define NEEDS(hop, metric, label, why)    metric,
#include "gateway/pipeline/pipeline.def"
    };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        bool found = false;
        for (int id = 0; id < METRIC_COUNT; id++) {
            struct str name = str_of(names[i]), family = metric_type((enum metric_id)id)->name;
            bool histogram = metric_type((enum metric_id)id)->kind == METRIC_HISTOGRAM;
            struct str rest = str_starts(name, family)
                                  ? str_make(name.ptr + family.len, name.len - family.len)
                                  : STR("other");
            found =
                found || (histogram ? str_equal(rest, STR("_sum")) || str_equal(rest, STR("_count"))
                                    : rest.len == 0);
        }
        cr_assert(found, "%s", names[i]);
    }
}

Test(pipeline_view, adds_up_the_series_that_match)
{
    struct pipeline_sample now = sample("nexus_queue_depth{queue=\"deliveries\"} 12\n"
                                        "nexus_queue_depth{queue=\"deferred\"} 3\n"
                                        "nexus_deliveries_total{outcome=\"sent\"} 5\n"
                                        "nexus_deliveries_total{outcome=\"retry\"} 2 1 # {} 3\n"
                                        "nexus_request_total 1e3\n"
                                        "nexus_request_total_more 7\n"
                                        "nexus_errors_total{broken\nnexus_http_inflight\n",
                                        1);

    cr_assert(eq(dbl, now.values[PIPELINE_CLAIM][PIPELINE_DEPTH], 12));
    cr_assert(eq(dbl, now.values[PIPELINE_RETRY][PIPELINE_DEPTH], 3));
    cr_assert(eq(dbl, now.values[PIPELINE_SEND][PIPELINE_TOTAL], 7));
    cr_assert(eq(dbl, now.values[PIPELINE_SEND][PIPELINE_ERRORS], 2));
    cr_assert(eq(dbl, now.values[PIPELINE_HTTP][PIPELINE_TOTAL], 1000));
    cr_assert(eq(dbl, now.values[PIPELINE_HTTP][PIPELINE_ERRORS], 0));
}

Test(pipeline_view, is_idle_without_traffic_and_good_with_traffic)
{
    struct pipeline_sample before = sample("nexus_request_total 10\n", 1);
    struct pipeline_sample now = sample("nexus_request_total 20\n", 2);

    cr_assert(eq(str, JUDGED(&before, &now, HTTP), "good"));
    cr_assert(eq(str, JUDGED(&before, &before, HTTP), "idle"));
    cr_assert(eq(str, JUDGED(NULL, &now, HTTP), "idle"));
    cr_assert(eq(str, JUDGED(&now, &before, HTTP), "idle")); // the counters started again
}

Test(pipeline_view, is_judged_worse_with_more_errors)
{
    struct pipeline_sample before = sample("nexus_request_total 0\n", 1);
    struct pipeline_sample few = sample("nexus_request_total 1000\nnexus_errors_total 9\n", 2);
    struct pipeline_sample some = sample("nexus_request_total 1000\nnexus_errors_total 50\n", 2);
    struct pipeline_sample many = sample("nexus_request_total 1000\nnexus_errors_total 500\n", 2);

    cr_assert(eq(str, JUDGED(&before, &few, HTTP), "good"));
    cr_assert(eq(str, JUDGED(&before, &some, HTTP), "warn: 5 % goes wrong"));
    cr_assert(eq(str, JUDGED(&before, &many, HTTP), "bad: 50 % goes wrong"));
}

Test(pipeline_view, reports_missing_parts)
{
    struct pipeline_sample now, nothing;

    pipeline_read(
        STR("nexus_workers{service=\"sms-worker\"} 0\nnexus_workers{service=\"chat-worker\"} 1\n"
            "nexus_db_connections{db=\"postgresql\",state=\"ready\"} 0\n"),
        1, &now);
    pipeline_read(STR(""), 1, &nothing);

    cr_assert(eq(str, JUDGED(NULL, &nothing, BUS), "idle")); // no worker has reported yet
    cr_assert(eq(str, JUDGED(NULL, &now, BUS), "bad: no sms-worker is connected"));
    cr_assert(eq(str, JUDGED(NULL, &now, COMMIT), "bad: PostgreSQL does not answer"));
}

Test(pipeline_view, warns_of_long_waits_and_open_breakers)
{
    struct pipeline_sample now = sample("nexus_queue_oldest_age_seconds{queue=\"deliveries\"} 11\n"
                                        "nexus_breaker_destinations{state=\"open\"} 2\n",
                                        1);
    struct pipeline_sample later =
        sample("nexus_queue_oldest_age_seconds{queue=\"deliveries\"} 500\n", 1);

    cr_assert(eq(str, JUDGED(NULL, &now, CLAIM), "warn: the oldest has waited for 11 s"));
    cr_assert(eq(str, JUDGED(NULL, &later, CLAIM), "bad: the oldest has waited for 500 s"));
    cr_assert(eq(str, JUDGED(NULL, &now, SEND), "warn: 2 destinations are left alone"));
}

Test(pipeline_view, gives_rates_between_two_readings)
{
    struct pipeline_sample before = sample("nexus_request_total 10\n", 10);
    struct pipeline_sample now = sample("nexus_request_total 15\n", 12);
    AUTO(buf) out = {0};

    pipeline_write(&before, &now, &out);
    cr_assert(ne(ptr, strstr(buf_c_string(&out), "\"intervalMs\":2000"), NULL));
    cr_assert(ne(ptr, strstr(buf_c_string(&out), "\"rate\":2.5,\"errorRate\":0"), NULL));

    buf_clear(&out);
    pipeline_write(NULL, &now, &out);
    cr_assert(ne(ptr, strstr(buf_c_string(&out), "\"intervalMs\":null"), NULL));
    cr_assert(ne(ptr, strstr(buf_c_string(&out), "\"rate\":null"), NULL));
}

Test(pipeline_view, compares_with_the_state_4_s_ago_however_often_it_is_read)
{
    struct pipeline_sample samples[] = {{.at_us = 100000000}, {.at_us = 98900000},
                                        {.at_us = 97800000},  {.at_us = 95900000},
                                        {.at_us = 94000000},  {.at_us = 30000000}};
    struct pipeline_sample rare[] = {
        {.at_us = 100000000}, {.at_us = 41000000}, {.at_us = 30000000}};

    cr_assert(eq(ptr, (void *)pipeline_before(samples, 6), &samples[3]));
    cr_assert(eq(ptr, (void *)pipeline_before(samples, 2), &samples[1]), "the oldest sample");
    cr_assert(eq(ptr, (void *)pipeline_before(samples, 1), NULL));
    cr_assert(eq(ptr, (void *)pipeline_before(rare, 3), &rare[1]));
    cr_assert(eq(ptr, (void *)pipeline_before(&rare[1], 1), NULL));
    rare[1].at_us = 39000000;
    cr_assert(eq(ptr, (void *)pipeline_before(rare, 3), NULL),
              "a sample of more than a minute ago is not used");
}
