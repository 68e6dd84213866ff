// upkeep: see the header.
//
// A crash at any point costs nothing: a job's transaction happened whole or not at all, and the
// next round does what is left.
#include "provisioning-worker/upkeep.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/panic.h"
#include "provisioning-worker/provisioning.h"
#include "store/statements.h"

enum {
    FIRST_ROUND_MS = 1000, // the database is connected by then
    FAILED_ROUND_MS = 5000,
    SHARE_OF_TIME = 100,
    PARTS_PER_ROUND = 100,
    FOLLOWERS_PER_ROUND = 10000,
    HELD_MS = 5000,       // as long may a transaction hold back events before health tells
    HELD_SEEN_MS = 30000, // what was seen longer ago than that is not told
    UPLOAD_AGE_S = 900,   // no request takes as long (gateway/large_body.c)
};

struct job_def {
    const char *name;
    enum statement statement;
    uint64_t every_ms;
    void (*bind)(struct upkeep *upkeep, struct pg_params *params);       // NULL: no parameters
    void (*done)(struct upkeep *upkeep, const struct pg_result *result); // not when it was taken
};

static void bind_partitions(struct upkeep *upkeep, struct pg_params *params);
static void bind_audit(struct upkeep *upkeep, struct pg_params *params);
static void bind_parts(struct upkeep *upkeep, struct pg_params *params);
static void bind_retention(struct upkeep *upkeep, struct pg_params *params);
static void bind_uploads(struct upkeep *upkeep, struct pg_params *params);
static void bind_followers(struct upkeep *upkeep, struct pg_params *params);
static void audit_done(struct upkeep *upkeep, const struct pg_result *result);
static void census_done(struct upkeep *upkeep, const struct pg_result *result);
static void horizon_done(struct upkeep *upkeep, const struct pg_result *result);
static void hanging_done(struct upkeep *upkeep, const struct pg_result *result);

// clang-format off
static const struct job_def jobs[] = {
    {"partitions",    STATEMENT_UPKEEP_PARTITIONS, 10 * 60 * 1000, bind_partitions, NULL},
    {"ledger",        STATEMENT_UPKEEP_LEDGER,          60 * 1000, NULL,            NULL},
    {"ledger audit",  STATEMENT_LEDGER_AUDIT,           15 * 1000, NULL,            audit_done},
    {"inbound parts", STATEMENT_UPKEEP_PARTS,           15 * 1000, bind_parts,      NULL},
    {"census",        STATEMENT_UPKEEP_CENSUS,          10 * 1000, NULL,            census_done},
    {"horizon",       STATEMENT_EVENT_HORIZON,           2 * 1000, NULL,            horizon_done},
    {"hanging",       STATEMENT_PROCESS_HANGING,         2 * 1000, NULL,            hanging_done},
    {"audit log",     STATEMENT_UPKEEP_AUDIT,     60 * 60 * 1000, bind_audit,      NULL},
    {"uploads",       STATEMENT_UPKEEP_UPLOADS,         60 * 1000, bind_uploads,    NULL},
    {"followers",     STATEMENT_UPKEEP_FOLLOWERS,       15 * 1000, bind_followers,  NULL},
    {"idempotency",   STATEMENT_IDEMPOTENCY_FORGET,     60 * 1000, bind_retention,  NULL},
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
    struct metric *imbalance;
    bool stopped, closing;
    unsigned out;       // statements sent and not answered
    unsigned timers;    // open
    int64_t snapshot_s; // the age of the oldest one that we may see (upkeep_census)
    struct {            // the oldest transaction that may write; 0: none
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
    struct upkeep *upkeep = calloc(1, sizeof *upkeep);

    ASSERT(upkeep);
    upkeep->service = service;
    upkeep->imbalance = metrics_series(service_metrics(service), METRIC_LEDGER_IMBALANCE);
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

static void job_run(uv_timer_t *timer)
{
    struct job *job = CONTAINER_OF(timer, struct job, timer);
    struct upkeep *upkeep = job->upkeep;
    struct pg_params params;

    pg_params_init(&params);
    if (job->def->bind)
        job->def->bind(upkeep, &params);
    job->started_ms = clock_monotonic_ms();
    upkeep->out++;
    pg_call(service_pg(upkeep->service), job->def->statement, &params, job_done, job);
    // Here the server may be in the middle of making and dropping partitions.
    if (job->def->statement == STATEMENT_UPKEEP_PARTITIONS)
        (void)failpoint("partition_roll");
}

void upkeep_measure(struct upkeep *upkeep)
{
    if (upkeep->stopped)
        return;
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        struct job *job = &upkeep->jobs[i];
        // One whose timer is off is being done right now.
        if (job->def->done && uv_is_active((uv_handle_t *)&job->timer))
            uv_timer_start(&job->timer, job_run, 0, 0);
    }
}

static void bind_partitions(struct upkeep *upkeep, struct pg_params *params)
{
    const struct provisioning_config *config = service_config(upkeep->service);
    const int64_t day_ms = 86400000;

    pg_int4(params, (int32_t)(config->attempt_retention_ms / day_ms));
    pg_int4(params, (int32_t)(config->event_retention_ms / day_ms));
}

static void bind_audit(struct upkeep *upkeep, struct pg_params *params)
{
    const struct provisioning_config *config = service_config(upkeep->service);

    pg_int4(params, (int32_t)(config->audit_retention_ms / 86400000));
}

static void bind_parts(struct upkeep *upkeep, struct pg_params *params)
{
    const struct provisioning_config *config = service_config(upkeep->service);

    pg_int4(params, (int32_t)(config->part_wait_ms / 1000));
    pg_int4(params, PARTS_PER_ROUND);
}

static void bind_retention(struct upkeep *upkeep, struct pg_params *params)
{
    const struct provisioning_config *config = service_config(upkeep->service);

    pg_int4(params, (int32_t)(config->idempotency_retention_ms / 1000));
}

static void bind_uploads(struct upkeep *upkeep, struct pg_params *params)
{
    (void)upkeep;
    pg_int4(params, UPLOAD_AGE_S);
}

static void bind_followers(struct upkeep *upkeep, struct pg_params *params)
{
    (void)upkeep;
    pg_int4(params, FOLLOWERS_PER_ROUND);
}

static uint64_t job_pause_ms(const struct job *job, bool failed)
{
    uint64_t took_ms = (uint64_t)(clock_monotonic_ms() - job->started_ms);
    uint64_t every_ms = failed ? FAILED_ROUND_MS : job->def->every_ms;

    return took_ms * SHARE_OF_TIME > every_ms ? took_ms * SHARE_OF_TIME : every_ms;
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
    if (err)
        LOG_WARN("upkeep.failed", LOG_STR("job", str_of(job->def->name)), LOG_ERR(err));
    else if (job->def->done && pg_rows(result) > 0 && !pg_is_null(result, 0, 0))
        job->def->done(upkeep, result);
    if (!upkeep->stopped)
        uv_timer_start(&job->timer, job_run, job_pause_ms(job, err != NULL), 0);
    else if (upkeep->out == 0)
        service_drained(upkeep->service);
}

static void audit_done(struct upkeep *upkeep, const struct pg_result *result)
{
    int64_t remainder = pg_get_int8(result, 0, 0);

    metric_set(upkeep->imbalance, (double)remainder);
    if (remainder != 0)
        LOG_ERROR("ledger.imbalance", LOG_INT("remainder", remainder));
}

// How old a session of somebody else's is we may not be told; how long it has been the oldest we see.
static void snapshot_age_tell(struct upkeep *upkeep)
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
    int64_t xid = pg_get_int8(result, 0, 0);

    upkeep->horizon.seen_ms = clock_monotonic_ms();
    if (xid != upkeep->horizon.xid)
        upkeep->horizon.since_ms = upkeep->horizon.seen_ms;
    upkeep->horizon.xid = xid;
    about_keep(upkeep->horizon.holder, pg_get_text(result, 0, 1));
    snapshot_age_tell(upkeep);
}

static void hanging_done(struct upkeep *upkeep, const struct pg_result *result)
{
    upkeep->hanging.seen_ms = clock_monotonic_ms();
    about_keep(upkeep->hanging.about, pg_get_text(result, 0, 0));
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
    struct metric *const gauges[] = {
        // In the order of upkeep_census().
        metrics_series(metrics, METRIC_QUEUE_DEPTH, "deferred"),
        metrics_series(metrics, METRIC_QUEUE_DEPTH, "undelivered"),
        metrics_series(metrics, METRIC_QUEUE_OLDEST_AGE, "undelivered"),
        metrics_series(metrics, METRIC_BREAKERS, "open"),
        metrics_series(metrics, METRIC_BREAKERS, "half_open"),
        metrics_series(metrics, METRIC_BREAKERS, "closed"),
        metrics_series(metrics, METRIC_BREAKERS, "disabled"),
        NULL, // the age of the oldest snapshot: snapshot_age_tell()
        metrics_series(metrics, METRIC_DELIVERY_DEAD_TUPLES),
    };

    for (size_t i = 0; i < COUNT_OF(gauges); i++) {
        if (gauges[i])
            metric_set(gauges[i], (double)pg_get_int8(result, 0, (int)i));
        else
            upkeep->snapshot_s = pg_get_int8(result, 0, (int)i);
    }
    snapshot_age_tell(upkeep);
}

void upkeep_drain(struct upkeep *upkeep)
{
    upkeep->stopped = true;
    for (size_t i = 0; i < COUNT_OF(jobs); i++)
        uv_timer_stop(&upkeep->jobs[i].timer);
    if (upkeep->out == 0)
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
    for (size_t i = 0; i < COUNT_OF(jobs); i++)
        uv_close((uv_handle_t *)&(*upkeep)->jobs[i].timer, timer_closed);
    *upkeep = NULL;
}
