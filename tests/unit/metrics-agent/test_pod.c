#include "metrics-agent/pod.h"

#include "rows.h"
#include "wire/telemetry/snapshot.h"

enum database { NO_DATABASE, HAS_DATABASE, NEEDS_NONE };

static void push(struct fold *fold, const char *role, const char *slot, uint64_t started_ms,
                 enum database database, int64_t now_ms)
{
    AUTO(buf) bytes = {0};
    struct metrics *metrics = metrics_new();
    struct err err = {0};
    const struct snapshot_head head = {.role = str_of(role),
                                       .slot = str_of(slot),
                                       .incarnation = started_ms,
                                       .started_ms = started_ms};

    if (database != NEEDS_NONE)
        metric_set(metrics_series(metrics, METRIC_DB_READY), database == HAS_DATABASE);
    snapshot_encode(&head, metrics, &bytes);
    cr_assert(fold_take(fold, buf_str(&bytes), now_ms, &err), "%s", err.text);
    metrics_free(&metrics);
}

static bool answer(struct pod *pod, enum pod_question question, const struct fold *fold,
                   int64_t now_ms)
{
    AUTO(buf) json = {0};
    return pod_ask(pod, question, fold, STR("metrics-agent"), now_ms, &json);
}

// The times of the last snapshots of a gateway, an sms-worker and the agent itself; now is 100000.
// clang-format off
static const struct pod_row {
    const char *name;
    int64_t gateway_ms, worker_ms; // -1: never
    enum database database;
    bool is_live, is_ready;
} pod_rows[] = {
    {"all report",                      99500, 99800, HAS_DATABASE, true,  true},
    {"no process has reported yet",            -1,    -1, HAS_DATABASE, true,  false},
    {"a worker without its database",   99500, 99800, NO_DATABASE,  true,  false},
    {"a worker was silent for 6 s",     99500, 94000, HAS_DATABASE, true,  false},
    {"a worker was silent for 31 s",    99500, 69000, HAS_DATABASE, false, false},
    {"a gateway needs no database",     99500,    -1, HAS_DATABASE, true,  true},
};
// clang-format on

ROWS_TEST(pod, answers_according_to_the_processes_that_still_report, pod_rows)
{
    struct fold *fold = fold_new();
    struct pod pod = {0};

    push(fold, "metrics-agent", "0", 1, NEEDS_NONE, 99900);
    if (row->gateway_ms >= 0)
        push(fold, "gateway", "0", 1, NEEDS_NONE, row->gateway_ms);
    if (row->worker_ms >= 0)
        push(fold, "sms-worker", "0", 1, row->database, row->worker_ms);

    cr_assert(eq(int, answer(&pod, POD_LIVE, fold, 100000), row->is_live), "%s", row->name);
    cr_assert(eq(int, answer(&pod, POD_READY, fold, 100000), row->is_ready), "%s", row->name);
    cr_assert(eq(int, answer(&pod, POD_STARTUP, fold, 100000), row->is_ready), "%s", row->name);
    fold_free(&fold);
}

Test(pod, expects_nothing_of_a_process_whose_successor_reports)
{
    struct fold *fold = fold_new();
    struct pod pod = {0};
    push(fold, "sms-worker", "0", 1, HAS_DATABASE, 0);
    push(fold, "sms-worker", "0", 2, HAS_DATABASE, 40000);

    cr_assert(answer(&pod, POD_LIVE, fold, 40000));
    cr_assert(answer(&pod, POD_READY, fold, 40000));
    fold_free(&fold);
}

Test(pod, is_alive_but_not_ready_when_a_process_was_stopped)
{
    struct fold *fold = fold_new();
    struct pod pod = {0};
    push(fold, "sms-worker", "0", 1, HAS_DATABASE, 0);

    fold_ended(fold, STR("sms-worker"), STR("0"));

    cr_assert(not(answer(&pod, POD_READY, fold, 1)));
    cr_assert(answer(&pod, POD_LIVE, fold, 2 * POD_LOST_MS));
    fold_free(&fold);
}

static void record_into(void *fold, struct str snapshot)
{
    struct err err;
    cr_assert(fold_restore(fold, snapshot, 0, &err));
}

Test(pod, expects_nothing_of_processes_that_only_an_earlier_agent_knew)
{
    struct fold *before = fold_new(), *fold = fold_new();
    struct pod pod = {0};
    push(before, "sms-worker", "0", 1, HAS_DATABASE, 0);
    push(before, "sms-worker", "1", 2, HAS_DATABASE, 0);
    fold_records(before, record_into, fold);

    push(fold, "sms-worker", "0", 1, HAS_DATABASE, 2 * POD_LOST_MS);

    cr_assert(answer(&pod, POD_LIVE, fold, 2 * POD_LOST_MS));
    cr_assert(answer(&pod, POD_READY, fold, 2 * POD_LOST_MS));
    fold_free(&before);
    fold_free(&fold);
}

Test(pod, stays_started)
{
    struct fold *fold = fold_new();
    struct pod pod = {0};
    push(fold, "sms-worker", "0", 1, HAS_DATABASE, 0);
    cr_assert(answer(&pod, POD_STARTUP, fold, 0));

    push(fold, "sms-worker", "0", 1, NO_DATABASE, 1000);

    cr_assert(not(answer(&pod, POD_READY, fold, 1000)));
    cr_assert(answer(&pod, POD_STARTUP, fold, 1000));
    fold_free(&fold);
}

Test(pod, names_the_faulty_process)
{
    struct fold *fold = fold_new();
    struct pod pod = {0};
    AUTO(buf) json = {0};
    push(fold, "sms-worker", "0", 1, NO_DATABASE, 0);

    pod_ask(&pod, POD_READY, fold, STR("metrics-agent"), 7, &json);

    cr_assert(eq(
        str, (char *)buf_c_string(&json),
        "{\"processes\":[{\"process\":\"sms-worker\",\"slot\":\"0\",\"silentMs\":7,\"ended\":false,"
        "\"db\":false}],\"refused\":false,\"ready\":false}"));
    fold_free(&fold);
}
