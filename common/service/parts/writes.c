// writes: see the header.
#include "service/parts/writes.h"

#include <stdio.h>

bool writes_want_probe(const struct pg_writes *writes, int64_t now_ms)
{
    return now_ms - writes->committed_ms >= WRITES_PROBE_MS ||
           (writes_want_proof(writes) && now_ms - writes->failed_ms >= WRITES_PROBE_MS);
}

bool writes_want_proof(const struct pg_writes *writes)
{
    return writes->failed_ms > writes->proved_ms;
}

static bool is_full(const struct pg_writes *writes, int64_t now_ms)
{
    return writes->full_ms > 0 &&
           (writes->full_ms >= writes->committed_ms || now_ms - writes->full_ms < WRITES_FULL_MS);
}

// Reported for the length of a pause, because statements that waited in vain are retried only from
// time to time.
static bool is_locked(const struct pg_writes *writes, int64_t now_ms)
{
    return writes->locked && now_ms - writes->locked_ms < PG_LOCKED_PAUSE_MS &&
           writes->locked_ms - writes->locked_since_ms >= WRITES_LOCKED_MS;
}

// Faults of some writes while others commit.
static void others_judge(const struct pg_writes *writes, int64_t now_ms,
                         struct health_reasons *reasons)
{
    if (writes->hung_ms > 0 && now_ms - writes->hung_ms < WRITES_HUNG_MS)
        health_reasons_add(reasons, HEALTH_DB_HANGS, NULL);
    if (is_locked(writes, now_ms))
        health_reasons_add(reasons, HEALTH_DB_LOCKED, writes->locked);
}

void writes_judge(const struct pg_writes *writes, bool connected, int64_t now_ms,
                  struct health_reasons *reasons)
{
    char about[32];
    int64_t idle_ms = now_ms - writes->committed_ms;
    bool waits = writes->oldest_ms > 0 && now_ms - writes->oldest_ms >= WRITES_STUCK_MS;
    bool failed = writes->failed_ms > writes->committed_ms;
    bool lacks = writes_want_proof(writes) && strncmp(writes->state, "42", 2) == 0;
    // A lock or statement timeout: the statements before and after it wait too.
    bool timed_out =
        failed && (strcmp(writes->state, "55P03") == 0 || strcmp(writes->state, "57014") == 0);

    snprintf(about, sizeof about, "SQLSTATE %s", writes->state);
    if (writes->read_only)
        health_reasons_add(reasons, HEALTH_DB_READ_ONLY, NULL);
    if (!connected)
        return; // gateways detect that themselves
    if (is_full(writes, now_ms))
        health_reasons_add(reasons, HEALTH_DB_FULL, about);
    else if (idle_ms >= WRITES_STUCK_MS && (waits || timed_out))
        health_reasons_add(reasons, HEALTH_DB_STUCK, timed_out ? about : NULL);
    else if (lacks || (failed && !timed_out))
        health_reasons_add(reasons, HEALTH_DB_FAILING, about);
    else
        others_judge(writes, now_ms, reasons);
}
