// requests: see the header.
#include "metrics-agent/requests.h"

#include "base/err.h"

static bool is_our_fault(struct str outcome)
{
    for (int code = 0; code < ERR_COUNT; code++)
        if (str_equal(err_name((enum err_code)code), outcome))
            return err_http_status((enum err_code)code) >= 500;
    return false;
}

void requests_are_tasks(struct metrics *totals)
{
    enum { MESSAGE, OUTCOME };
    struct metric_sample requests = {.id = METRIC_REQUESTS}, errors = {.id = METRIC_ERRORS};

    for (size_t i = 0; i < metrics_count(totals); i++) {
        struct metric_sample task = metrics_sample(totals, i);
        if (task.id != METRIC_TASKS)
            continue;
        requests.value += task.value;
        errors.value += is_our_fault(task.labels[OUTCOME]) ? task.value : 0;
    }
    metrics_merge(totals, &requests);
    metrics_merge(totals, &errors);
}
