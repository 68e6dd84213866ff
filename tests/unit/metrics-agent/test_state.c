#include "metrics-agent/state.h"

#include "wire/telemetry/snapshot.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/nexus-state-XXXXXX", path[64];

static void folder_make(void)
{
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    snprintf(path, sizeof path, "%s/totals", folder);
}

static void folder_remove(void)
{
    unlink(path);
    rmdir(folder);
}

TestSuite(state, .init = folder_make, .fini = folder_remove);

static struct fold *fold_with(uint64_t sent)
{
    AUTO(buf) bytes = {0};
    struct metrics *metrics = metrics_new();
    struct fold *fold = fold_new();
    struct err err;

    metric_add(metrics_series(metrics, METRIC_DELIVERIES, "sent"), sent);
    snapshot_encode(
        &(struct snapshot_head){.role = STR("gateway"), .slot = STR("0"), .incarnation = 1},
        metrics, &bytes);
    cr_assert(fold_take(fold, buf_str(&bytes), 0, &err));
    metrics_free(&metrics);
    return fold;
}

static double sent_in(struct fold *fold)
{
    struct metrics *totals = metrics_new();
    double value = 0;

    fold_totals(fold, 0, totals);
    for (size_t i = 0; i < metrics_count(totals); i++)
        if (metrics_sample(totals, i).id == METRIC_DELIVERIES)
            value += metrics_sample(totals, i).value;
    metrics_free(&totals);
    return value;
}

Test(state, is_read_as_it_was_written)
{
    struct fold *fold = fold_with(5), *other = fold_new();
    struct err err;

    cr_assert(state_write(path, fold, &err), "%s", err.text);
    cr_assert(state_read(path, other, 0, &err), "%s", err.text);

    cr_assert(eq(dbl, sent_in(other), 5));
    fold_free(&fold);
    fold_free(&other);
}

Test(state, may_be_missing)
{
    struct fold *fold = fold_new();
    struct err err;

    cr_assert(state_read(path, fold, 0, &err));
    cr_assert(eq(dbl, sent_in(fold), 0));
    fold_free(&fold);
}

Test(state, names_the_file_that_cannot_be_written)
{
    struct fold *fold = fold_new();
    struct err err;

    cr_assert(not(state_write("/nowhere/totals", fold, &err)));
    cr_assert(ne(ptr, strstr(err.text, "/nowhere/totals.new"), NULL));
    fold_free(&fold);
}

Test(state, is_refused_if_it_is_truncated)
{
    struct fold *fold = fold_with(5);
    struct err err;
    char bytes[16384];
    cr_assert(state_write(path, fold, &err));
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(file, bytes, sizeof bytes);
    close(file);
    cr_assert(lt(long, length, (long)sizeof bytes));

    int refused = 0;
    for (ssize_t cut = 1; cut < length; cut++) {
        struct fold *other = fold_new();
        cr_assert(eq(int, truncate(path, 0), 0));
        file = open(path, O_WRONLY | O_CLOEXEC);
        cr_assert(eq(long, write(file, bytes, (size_t)cut), cut));
        close(file);
        refused += !state_read(path, other, 0, &err);
        fold_free(&other);
    }
    // Only a cut after a whole record is not noticed: after the head, and after the retired sum.
    cr_assert(ge(long, refused, length - 3));
    fold_free(&fold);
}
