// Metrics as metrics-agent reads them from its socket and its file, and the scrape that it makes of them.
#include "tests/fuzz/fuzz.h"

#include "metrics-agent/exposition.h"
#include "metrics-agent/fold.h"

static void is_taken_back(void *context, struct str snapshot)
{
    struct err err;

    ASSERT(fold_restore(context, snapshot, 0, &err));
}

static void show(struct fold *fold, struct buf *text)
{
    struct metrics *totals = metrics_new();

    fold_totals(fold, 0, totals);
    exposition_write(totals, EXPOSITION_OPENMETRICS, true, text);
    metrics_free(&totals);
}

FUZZ(bytes)
{
    struct fold *fold = fold_new(), *next = fold_new();
    struct err err;
    AUTO(buf) text = {0};

    if (fold_take(fold, bytes, 0, &err)) {
        show(fold, &text);
        fold_records(fold, is_taken_back, next);
        show(next, &text);
    }
    fold_free(&next);
    fold_free(&fold);
}
