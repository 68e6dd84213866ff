// upkeep: see the header.
//
// A crash at any point costs nothing: a job's transaction happened whole or not at all, and the
// next round does what is left. A round that failed is not made up for sooner; the next one is near
// enough.
#include "provisioning-worker/upkeep.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/panic.h"
#include "provisioning-worker/provisioning.h"
#include "store/statements.h"

enum { SHARE_OF_TIME = 100, PARTS_PER_ROUND = 100 };

struct job_def {
    const char *name;
    enum statement statement;
    uint64_t every_ms;
    void (*bind)(struct upkeep *upkeep, struct pg_params *params); // NULL: no parameters
    void (*done)(struct upkeep *upkeep, int64_t result);           // not when it was taken
};

static void bind_partitions(struct upkeep *upkeep, struct pg_params *params);
static void bind_parts(struct upkeep *upkeep, struct pg_params *params);
static void audit_done(struct upkeep *upkeep, int64_t remainder);

// clang-format off
static const struct job_def jobs[] = {
    {"partitions",   STATEMENT_UPKEEP_PARTITIONS,  10 * 60 * 1000, bind_partitions, NULL},
    {"ledger",       STATEMENT_UPKEEP_LEDGER,           60 * 1000, NULL,            NULL},
    {"ledger_audit", STATEMENT_LEDGER_AUDIT,            15 * 1000, NULL,            audit_done},
    {"parts",        STATEMENT_INBOUND_PART_FLUSH,      60 * 1000, bind_parts,      NULL},
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
    bool stopped;
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
        *job = (struct job){.def = &jobs[i], .upkeep = upkeep};
        uv_timer_init(service_loop(service), &job->timer);
        uv_timer_start(&job->timer, job_run, 0, 0);
    }
    return upkeep;
}
