#include "service/parts/writes.h"

#include "rows.h"

enum { NOW = 100000 };
#define NOTHING HEALTH_REASON_COUNT

// The results of writes, and the reason that a process reports. Times are before now; -1: never.
// clang-format off
static const struct writes_row {
    const char *name;
    int64_t committed, oldest, failed, full;
    const char *state;
    bool read_only, away;
    enum health_reason_id says;
} writes_rows[] = {
    //                                              commit  waits  failed full   SQLSTATE  r/o    away   says
    {"one has just committed",                      10,     -1,    -1,    -1,    "",       false, false, NOTHING},
    {"one is in progress",                          800,    40,    -1,    -1,    "",       false, false, NOTHING},
    {"one waits for a row, others commit",          100,    5000,  -1,    -1,    "",       false, false, NOTHING},
    {"one waits, and none commits",                 1500,   1500,  -1,    -1,    "",       false, false, HEALTH_DB_STUCK},
    {"the last one waited in vain for a lock",      2600,   300,   400,   -1,    "55P03",  false, false, HEALTH_DB_STUCK},
    {"one waited in vain for a lock, others commit", 100,   -1,    400,   -1,    "55P03",  false, false, NOTHING},
    {"the disk is full",                            900,    -1,    10,    10,    "53100",  false, false, HEALTH_DB_FULL},
    {"a small write fitted after it",               5,      -1,    300,   300,   "53100",  false, false, HEALTH_DB_FULL},
    {"the disk was full, and is not any more",      5,      -1,    2500,  2500,  "53100",  false, false, NOTHING},
    {"a table that others do not need is missing",  5,      -1,    700,   -1,    "42P01",  false, false, HEALTH_DB_FAILING},
    {"a function is missing",                       900,    -1,    10,    -1,    "42883",  false, false, HEALTH_DB_FAILING},
    {"a read-only server was disconnected",         900,    -1,    10,    -1,    "25006",  true,  true,  HEALTH_DB_READ_ONLY},
    {"the server is away",                          90000,  -1,    -1,    -1,    "",       false, true,  NOTHING},
};
// clang-format on

static int64_t at(int64_t ago)
{
    return ago < 0 ? 0 : NOW - ago;
}

ROWS_TEST(writes, are_judged_by_their_results, writes_rows)
{
    struct pg_writes writes = {.committed_ms = at(row->committed),
                               .oldest_ms = at(row->oldest),
                               .failed_ms = at(row->failed),
                               .full_ms = at(row->full),
                               .read_only = row->read_only};
    struct health_reasons reasons = {0};

    memcpy(writes.state, row->state, strlen(row->state));
    writes_judge(&writes, !row->away, NOW, &reasons);

    cr_assert(eq(int, reasons.count > 0, row->says != NOTHING), "%s", row->name);
    if (row->says != NOTHING)
        cr_assert(eq(int, reasons.list[0].id, row->says), "%s", row->name);
}

Test(writes, of_a_server_process_that_does_not_answer_are_reported_for_a_moment)
{
    struct pg_writes writes = {.committed_ms = NOW, .hung_ms = NOW};
    struct health_reasons hung = {0}, later = {0};

    writes_judge(&writes, true, NOW, &hung);
    cr_assert(eq(sz, hung.count, 1));
    cr_assert(eq(int, hung.list[0].id, HEALTH_DB_HANGS));
    writes.committed_ms = NOW + WRITES_HUNG_MS;
    writes_judge(&writes, true, NOW + WRITES_HUNG_MS, &later);
    cr_assert(eq(sz, later.count, 0));
}

Test(writes, that_wait_in_vain_for_a_lock_are_reported_although_others_commit)
{
    struct pg_writes writes = {
        .committed_ms = NOW, .locked_ms = NOW, .locked_since_ms = NOW, .locked = "SMS_ACCEPT"};
    struct health_reasons moment = {0}, longer = {0}, later = {0};

    writes_judge(&writes, true, NOW, &moment);
    cr_assert(eq(sz, moment.count, 0));
    writes.locked_since_ms = NOW - WRITES_LOCKED_MS;
    writes_judge(&writes, true, NOW, &longer);
    cr_assert(eq(sz, longer.count, 1));
    cr_assert(eq(int, longer.list[0].id, HEALTH_DB_LOCKED));
    cr_assert(eq(str, longer.list[0].about, (char *)"SMS_ACCEPT"));
    writes.committed_ms = NOW + PG_LOCKED_PAUSE_MS;
    writes_judge(&writes, true, NOW + PG_LOCKED_PAUSE_MS, &later);
    cr_assert(eq(sz, later.count, 0));
}

Test(writes, are_probed_only_while_nothing_else_commits)
{
    struct pg_writes writes = {.committed_ms = NOW};

    cr_assert(not(writes_want_probe(&writes, NOW + WRITES_PROBE_MS - 1)));
    cr_assert(writes_want_probe(&writes, NOW + WRITES_PROBE_MS));
}

Test(writes, are_probed_thoroughly_after_a_failure_until_nothing_is_missing_any_more)
{
    struct pg_writes writes = {
        .committed_ms = NOW, .failed_ms = NOW - WRITES_PROBE_MS, .state = "42501"};
    struct health_reasons before = {0}, after = {0};

    cr_assert(writes_want_probe(&writes, NOW) && writes_want_proof(&writes));
    writes_judge(&writes, true, NOW, &before);
    cr_assert(eq(sz, before.count, 1));

    writes.proved_ms = NOW;
    cr_assert(not(writes_want_probe(&writes, NOW) || writes_want_proof(&writes)));
    writes_judge(&writes, true, NOW, &after);
    cr_assert(eq(sz, after.count, 0));
}
