// upkeep: see the header.
//
// A crash at any point does no harm: a job's transaction was committed completely or not at all,
// and the next round does the rest.
#include "provisioning-worker/upkeep/upkeep.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "process/failpoint.h"
#include "provisioning-worker/provisioning.h"
#include "store/statements.h"
#include "telemetry/log.h"

enum {
    FIRST_ROUND_MS = 1000, // the database is usually connected by then
    FAILED_ROUND_MS = 5000,
    RECOUNT_MS = 15 * 1000,
    RECOUNT_LIMIT_S = 600,
    PARTS_PER_ROUND = 100,
    FOLLOWERS_PER_ROUND = 10000,
    HELD_MS = 5000,       // for this long a transaction may delay events before health reports it
    HELD_SEEN_MS = 30000, // older observations are not reported
    UPLOAD_AGE_S = 900,   // longer than any request (gateway/bodies/large_body.c)
};

// A job that had to do much pauses for so many times as long as it ran. Jobs that health depends on
// run steadily: their statements cost little, and one that took long was waiting.
enum pace { STEADY = 0, BRISK = 10, SPARING = 100 };

struct job_def {
    const char *name;
    enum statement statement;
    uint64_t every_ms;
    enum pace pace;
    void (*bind)(struct upkeep *upkeep, struct pg_params *params); // NULL: no parameters
    void (*done)(struct upkeep *upkeep,
                 const struct pg_result *result); // not if the job was taken by another worker
};

static void bind_partitions(struct upkeep *upkeep, struct pg_params *params);
static void bind_audit(struct upkeep *upkeep, struct pg_params *params);
static void bind_parts(struct upkeep *upkeep, struct pg_params *params);
static void bind_retention(struct upkeep *upkeep, struct pg_params *params);
static void bind_uploads(struct upkeep *upkeep, struct pg_params *params);
static void bind_followers(struct upkeep *upkeep, struct pg_params *params);
static void bind_recount(struct upkeep *upkeep, struct pg_params *params);
static void recount_done(struct upkeep *upkeep, const struct pg_result *result);
static void census_done(struct upkeep *upkeep, const struct pg_result *result);
static void horizon_done(struct upkeep *upkeep, const struct pg_result *result);
static void hanging_done(struct upkeep *upkeep, const struct pg_result *result);

// clang-format off
static const struct job_def jobs[] = {
    {"partitions",    STATEMENT_UPKEEP_PARTITIONS, 10 * 60 * 1000, SPARING, bind_partitions, NULL},
    {"ledger",        STATEMENT_UPKEEP_LEDGER,          15 * 1000, BRISK,   NULL,            NULL},
    {"recount",       STATEMENT_LEDGER_RECOUNT_NEXT,   RECOUNT_MS, BRISK,   bind_recount,    recount_done},
    {"inbound parts", STATEMENT_UPKEEP_PARTS,           15 * 1000, SPARING, bind_parts,      NULL},
    {"census",        STATEMENT_UPKEEP_CENSUS,          10 * 1000, SPARING, NULL,            census_done},
    {"horizon",       STATEMENT_EVENT_HORIZON,           2 * 1000, STEADY,  NULL,            horizon_done},
    {"hanging",       STATEMENT_PROCESS_HANGING,         2 * 1000, STEADY,  NULL,            hanging_done},
    {"audit log",     STATEMENT_UPKEEP_AUDIT,     60 * 60 * 1000, SPARING, bind_audit,      NULL},
    {"uploads",       STATEMENT_UPKEEP_UPLOADS,         60 * 1000, SPARING, bind_uploads,    NULL},
    {"followers",     STATEMENT_UPKEEP_FOLLOWERS,       15 * 1000, SPARING, bind_followers,  NULL},
    {"idempotency",   STATEMENT_IDEMPOTENCY_FORGET,     60 * 1000, SPARING, bind_retention,  NULL},
};
// clang-format on

struct job {
    const struct job_def *def;
    struct upkeep *upkeep;
    uv_timer_t timer;
    int64_t started_ms;
};

struct upkeep {
    struct service *service;
    bool stopped, closing;
    struct pg *recount_pg; // a recount may take long; nobody waits behind it there
    bool recount_waits;    // another day is due
    unsigned out;          // statements sent and not answered
    unsigned timers;       // open
    int64_t snapshot_s;    // the age of the oldest one that we may see (upkeep_census)
    struct {               // the oldest transaction that may write; 0: none
        int64_t xid, since_ms, seen_ms;
        char holder[HEALTH_ABOUT_LIMIT + 1];
    } horizon;
    struct { // a server process that does not answer; about is empty: none
        int64_t seen_ms;
        char about[HEALTH_ABOUT_LIMIT + 1];
    } hanging;
    struct job jobs[COUNT_OF(jobs)];
};

static void job_run(uv_timer_t *timer);
static pg_done_fn job_done;

struct upkeep *upkeep_new(struct service *service)
{
    struct upkeep *upkeep = heap_new(sizeof *upkeep);
    upkeep->service = service;
    upkeep->recount_pg = service_pg_open(service, "recount", RECOUNT_LIMIT_S);
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        struct job *job = &upkeep->jobs[i];
        job->def = &jobs[i];
        job->upkeep = upkeep;
        uv_timer_init(service_loop(service), &job->timer);
        uv_timer_start(&job->timer, job_run, FIRST_ROUND_MS, 0);
        upkeep->timers++;
    }
    return upkeep;
}

static struct pg *job_pg(const struct job *job)
{
    return job->def->statement == STATEMENT_LEDGER_RECOUNT_NEXT ? job->upkeep->recount_pg
                                                                : service_pg(job->upkeep->service);
}

static void job_run(uv_timer_t *timer)
{
    struct job *job = CONTAINER_OF(timer, struct job, timer);
    struct upkeep *upkeep = job->upkeep;
    struct pg_params params;

    // The first connection may take longer than FIRST_ROUND_MS; that is no failure of the job. Nor is
    // it one that the recount's own connection comes back later than the others.
    bool may_wait = job->started_ms == 0 || job_pg(job) == upkeep->recount_pg;
    if (may_wait && !pg_ready(job_pg(job))) {
        uv_timer_start(&job->timer, job_run, FIRST_ROUND_MS, 0);
        return;
    }
    if (job->def->bind)
        job->def->bind(upkeep, &params);
    else
        bind_nothing(&params, job->def->statement);
    job->started_ms = clock_monotonic_ms();
    upkeep->out++;
    ASSERT(params.statement == (int)job->def->statement);
    pg_call(job_pg(job), &params, job_done, job);
    // The server may be creating or dropping partitions at this moment.
    if (job->def->statement == STATEMENT_UPKEEP_PARTITIONS)
        (void)failpoint("partition_roll");
}

void upkeep_measure(struct upkeep *upkeep)
{
    if (upkeep->stopped)
        return;
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        struct job *job = &upkeep->jobs[i];
        // A job whose timer is off is running now.
        if (job->def->done && uv_is_active((uv_handle_t *)&job->timer))
            uv_timer_start(&job->timer, job_run, 0, 0);
    }
}

static void bind_partitions(struct upkeep *upkeep, struct pg_params *params)
{
    const struct provisioning_config *config = service_config(upkeep->service);
    const int64_t day_ms = 86400000;

    BIND(params, UPKEEP_PARTITIONS,
         .attempt_days = (int32_t)(config->attempt_retention_ms / day_ms),
         .event_days = (int32_t)(config->event_retention_ms / day_ms));
}

static void bind_audit(struct upkeep *upkeep, struct pg_params *params)
{
    const struct provisioning_config *config = service_config(upkeep->service);

    BIND(params, UPKEEP_AUDIT, .keep = (int32_t)(config->audit_retention_ms / 86400000));
}

static void bind_parts(struct upkeep *upkeep, struct pg_params *params)
{
    const struct provisioning_config *config = service_config(upkeep->service);

    BIND(params, UPKEEP_PARTS, .wait_s = (int32_t)(config->part_wait_ms / 1000),
         .at_most = PARTS_PER_ROUND);
}

static void bind_retention(struct upkeep *upkeep, struct pg_params *params)
{
    const struct provisioning_config *config = service_config(upkeep->service);

    BIND(params, IDEMPOTENCY_FORGET,
         .older_than_s = (int32_t)(config->idempotency_retention_ms / 1000));
}

static void bind_uploads(struct upkeep *upkeep, struct pg_params *params)
{
    (void)upkeep;
    BIND(params, UPKEEP_UPLOADS, .older_than_s = UPLOAD_AGE_S);
}

static void bind_followers(struct upkeep *upkeep, struct pg_params *params)
{
    (void)upkeep;
    BIND(params, UPKEEP_FOLLOWERS, .room = FOLLOWERS_PER_ROUND);
}

static void bind_recount(struct upkeep *upkeep, struct pg_params *params)
{
    upkeep->recount_waits = false; // until the answer says otherwise
    bind_nothing(params, STATEMENT_LEDGER_RECOUNT_NEXT);
}

static uint64_t job_pause_ms(const struct job *job, bool failed)
{
    uint64_t took_ms = (uint64_t)(clock_monotonic_ms() - job->started_ms);
    uint64_t every_ms = failed ? FAILED_ROUND_MS : job->def->every_ms;
    uint64_t spared_ms = took_ms * job->def->pace;

    if (job->def->statement == STATEMENT_LEDGER_RECOUNT_NEXT && job->upkeep->recount_waits &&
        !failed)
        return spared_ms;
    return spared_ms > every_ms ? spared_ms : every_ms;
}

static void upkeep_release(struct upkeep *upkeep)
{
    if (upkeep->closing && upkeep->out == 0 && upkeep->timers == 0)
        free(upkeep);
}

static void job_done(void *context, const struct pg_result *result, const struct err *err)
{
    struct job *job = context;
    struct upkeep *upkeep = job->upkeep;

    upkeep->out--;
    if (upkeep->closing) {
        upkeep_release(upkeep); // the service did not wait: its time to drain was over
        return;
    }
    if (err && !upkeep->stopped) // else its connection was closed
        LOG_WARN("upkeep.failed", LOG_STR("job", str_of(job->def->name)), LOG_ERR(err));
    else if (!err && job->def->done && pg_rows(result) > 0 && !pg_is_null(result, 0, 0))
        job->def->done(upkeep, result);
    if (!upkeep->stopped)
        uv_timer_start(&job->timer, job_run, job_pause_ms(job, err != NULL), 0);
    else if (upkeep->out == 0)
        service_drained(upkeep->service);
}

static void recount_done(struct upkeep *upkeep, const struct pg_result *result)
{
    struct metrics *metrics = service_metrics(upkeep->service);
    int64_t missing = GET(result, 0, LEDGER_RECOUNT_NEXT, missing);

    metric_set(metrics_series(metrics, METRIC_LEDGER_IMBALANCE),
               (double)GET(result, 0, LEDGER_RECOUNT_NEXT, remainder));
    metric_set(metrics_series(metrics, METRIC_LEDGER_RECOUNT_AGE),
               (double)GET(result, 0, LEDGER_RECOUNT_NEXT, uncounted_s));
    upkeep->recount_waits = GET(result, 0, LEDGER_RECOUNT_NEXT, more);
    if (missing != 0)
        LOG_ERROR("ledger.imbalance", LOG_STR("day", GET(result, 0, LEDGER_RECOUNT_NEXT, day)),
                  LOG_INT("missing", missing));
}

// The age of another user's session is not visible to us, so we measure how long it has been the
// oldest one that we see.
static void snapshot_age_publish(struct upkeep *upkeep)
{
    int64_t held_s =
        upkeep->horizon.xid == 0 ? 0 : (upkeep->horizon.seen_ms - upkeep->horizon.since_ms) / 1000;

    metric_set(metrics_series(service_metrics(upkeep->service), METRIC_DB_XMIN_AGE),
               (double)(held_s > upkeep->snapshot_s ? held_s : upkeep->snapshot_s));
}

static void about_keep(char about[HEALTH_ABOUT_LIMIT + 1], struct str text)
{
    size_t len = text.len < HEALTH_ABOUT_LIMIT ? text.len : HEALTH_ABOUT_LIMIT;

    if (len > 0)
        memcpy(about, text.ptr, len);
    about[len] = 0;
}

static void horizon_done(struct upkeep *upkeep, const struct pg_result *result)
{
    int64_t xid = GET(result, 0, EVENT_HORIZON, xid);

    upkeep->horizon.seen_ms = clock_monotonic_ms();
    if (xid != upkeep->horizon.xid)
        upkeep->horizon.since_ms = upkeep->horizon.seen_ms;
    upkeep->horizon.xid = xid;
    about_keep(upkeep->horizon.holder, GET(result, 0, EVENT_HORIZON, holder));
    snapshot_age_publish(upkeep);
}

static void hanging_done(struct upkeep *upkeep, const struct pg_result *result)
{
    upkeep->hanging.seen_ms = clock_monotonic_ms();
    about_keep(upkeep->hanging.about, GET(result, 0, PROCESS_HANGING, process_hanging));
}

static bool is_known(int64_t seen_ms)
{
    return clock_monotonic_ms() - seen_ms < HELD_SEEN_MS;
}

void upkeep_judge(const struct upkeep *upkeep, struct health_reasons *reasons)
{
    if (upkeep->horizon.xid != 0 && is_known(upkeep->horizon.seen_ms) &&
        upkeep->horizon.seen_ms - upkeep->horizon.since_ms >= HELD_MS)
        health_reasons_add(reasons, HEALTH_DB_HELD, upkeep->horizon.holder);
    if (upkeep->hanging.about[0] && is_known(upkeep->hanging.seen_ms))
        health_reasons_add(reasons, HEALTH_DB_HANGS, upkeep->hanging.about);
}

static void census_done(struct upkeep *upkeep, const struct pg_result *result)
{
    struct metrics *metrics = service_metrics(upkeep->service);

    metric_set(metrics_series(metrics, METRIC_QUEUE_DEPTH, "deferred"),
               (double)GET(result, 0, UPKEEP_CENSUS, deferred));
    metric_set(metrics_series(metrics, METRIC_QUEUE_DEPTH, "undelivered"),
               (double)GET(result, 0, UPKEEP_CENSUS, undelivered));
    metric_set(metrics_series(metrics, METRIC_QUEUE_OLDEST_AGE, "undelivered"),
               (double)GET(result, 0, UPKEEP_CENSUS, undelivered_s));
    metric_set(metrics_series(metrics, METRIC_BREAKERS, "open"),
               (double)GET(result, 0, UPKEEP_CENSUS, open));
    metric_set(metrics_series(metrics, METRIC_BREAKERS, "half_open"),
               (double)GET(result, 0, UPKEEP_CENSUS, half_open));
    metric_set(metrics_series(metrics, METRIC_BREAKERS, "closed"),
               (double)GET(result, 0, UPKEEP_CENSUS, closed));
    metric_set(metrics_series(metrics, METRIC_BREAKERS, "disabled"),
               (double)GET(result, 0, UPKEEP_CENSUS, disabled));
    metric_set(metrics_series(metrics, METRIC_DELIVERY_DEAD_TUPLES),
               (double)GET(result, 0, UPKEEP_CENSUS, dead));
    upkeep->snapshot_s = GET(result, 0, UPKEEP_CENSUS, snapshot_s);
    snapshot_age_publish(upkeep);
}

void upkeep_drain(struct upkeep *upkeep)
{
    upkeep->stopped = true;
    for (size_t i = 0; i < COUNT_OF(jobs); i++)
        uv_timer_stop(&upkeep->jobs[i].timer);
    bool is_idle = upkeep->out == 0; // else the last statement that ends says so
    pg_close(
        &upkeep->recount_pg); // what it has counted is committed or not; the next one counts again
    if (is_idle)
        service_drained(upkeep->service);
}

static void timer_closed(uv_handle_t *handle)
{
    struct upkeep *upkeep = CONTAINER_OF((uv_timer_t *)(void *)handle, struct job, timer)->upkeep;

    upkeep->timers--;
    upkeep_release(upkeep);
}

void upkeep_free(struct upkeep **upkeep)
{
    if (!*upkeep)
        return;
    (*upkeep)->closing = true;
    pg_close(&(*upkeep)->recount_pg);
    for (size_t i = 0; i < COUNT_OF(jobs); i++)
        uv_close((uv_handle_t *)&(*upkeep)->jobs[i].timer, timer_closed);
    *upkeep = NULL;
}
