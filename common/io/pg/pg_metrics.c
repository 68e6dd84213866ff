// pg_metrics: series are found at first use and kept. SQLSTATEs are a label, so only known ones
// have a series of their own.
#include "io/pg/pg_metrics.h"

#include "base/clock.h"
#include "base/heap.h"

#include <stdlib.h>

#define DB "postgresql"

// Ours (NX…) are answers, not failures; "other" is the rest, and last.
static const char *const states[] = {
    "08006", "22001", "22003", "22007", "22008", "22021", "22P02", "23502", "23503", "23505",
    "23514", "25006", "26000", "40001", "40P01", "42501", "42703", "42883", "42P01", "53100",
    "53200", "53300", "55P03", "57014", "57P01", "57P02", "57P03", "XX000", "XX001", "other"};

static const char *const commands[PG_COMMANDS] = {[PG_SELECT] = "SELECT",
                                                  [PG_INSERT] = "INSERT",
                                                  [PG_UPDATE] = "UPDATE",
                                                  [PG_DELETE] = "DELETE",
                                                  [PG_OTHER] = "other"};

static const char *const methods[] = {
    [PG_QUERY] = "query", [PG_BATCH] = "batch", [PG_TRANSACTION] = "transaction"};

struct pg_metrics {
    struct metrics *metrics;
    struct metric *connects, *disconnects, *requests;
    struct metric *success[PG_COMMANDS];
    struct metric *errors[COUNT_OF(states)];
    struct metric *seconds[COUNT_OF(methods)], *milliseconds[COUNT_OF(methods)];
};

static struct metric *error_of(struct pg_metrics *metrics, const char *state)
{
    size_t at = 0;

    while (at < COUNT_OF(states) - 1 && strcmp(states[at], state) != 0)
        at++;
    if (!metrics->errors[at])
        metrics->errors[at] = metrics_series(metrics->metrics, METRIC_DB_ERRORS, DB, states[at]);
    return metrics->errors[at];
}

struct pg_metrics *pg_metrics_new(struct metrics *all)
{
    if (!all)
        return NULL;
    struct pg_metrics *metrics = heap_new(sizeof *metrics);
    metrics->metrics = all;
    metrics->connects = metrics_series(all, METRIC_DB_CONNECTS, DB);
    metrics->disconnects = metrics_series(all, METRIC_DB_DISCONNECTS, DB);
    metrics->requests = metrics_series(all, METRIC_DB_REQUESTS, DB);
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        metrics->seconds[i] = metrics_series(all, METRIC_DB_DURATION, DB, methods[i]);
        metrics->milliseconds[i] = metrics_series(all, METRIC_DB_DURATION_MS, DB, methods[i]);
    }
    // A rate needs the zero before the first count.
    for (size_t i = 0; i < PG_COMMANDS; i++)
        metrics->success[i] = metrics_series(all, METRIC_DB_SUCCESS, DB, commands[i]);
    for (size_t i = 0; i < COUNT_OF(states); i++)
        (void)error_of(metrics, states[i]);
    return metrics;
}

void pg_metrics_free(struct pg_metrics **metrics)
{
    free(*metrics);
    *metrics = NULL;
}

void pg_metrics_sent(struct pg_metrics *metrics, const struct pg_call *call)
{
    if (!metrics)
        return;
    metric_add(metrics->connects, 1);
    metric_add(metrics->requests, (uint64_t)call->count);
}

static void success_add(struct pg_metrics *metrics, enum pg_command command)
{
    if (!metrics->success[command])
        metrics->success[command] =
            metrics_series(metrics->metrics, METRIC_DB_SUCCESS, DB, commands[command]);
    metric_add(metrics->success[command], 1);
}

void pg_metrics_ended(struct pg_metrics *metrics, const struct pg_call *call)
{
    if (!metrics || call->sent_us == 0)
        return;
    double duration_us = (double)(clock_monotonic_us() - call->sent_us);
    bool is_answer = !call->failed || strncmp(call->state, "NX", 2) == 0;

    metric_add(metrics->disconnects, 1);
    metric_observe(metrics->seconds[call->method], duration_us / 1e6);
    metric_observe(metrics->milliseconds[call->method], duration_us / 1e3);
    if (!is_answer)
        metric_add(error_of(metrics, call->state), 1);
    for (int i = 0; is_answer && i < call->count; i++)
        success_add(metrics, call->commands[i]);
}
