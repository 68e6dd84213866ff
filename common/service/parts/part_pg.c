// part_pg: PostgreSQL for a program that needs it.
#include "base/clock.h"
#include "base/revision.h"
#include "io/pg/pg_listen.h"
#include "service/parts/writes.h"
#include "service/state.h"
#include "store/statements.h"
#include "telemetry/log.h"

enum { WAITING_LIMIT = 4096, LOOK_MS = 250 };

static void writes_look(uv_timer_t *timer);

// A worker needs no more than the rows that nexus_worker has (db/grants.sql).
static void login_judged(void *context, const struct pg_result *result, const struct err *err)
{
    (void)context;
    if (!err && pg_rows(result) > 0 && !IS_NULL(result, 0, LOGIN_EXCESS, login_excess))
        LOG_WARN("pg.login_too_strong", LOG_STR("why", GET(result, 0, LOGIN_EXCESS, login_excess)));
}

static void changed(void *context, bool ready)
{
    struct service *service = context;
    struct pg_params none;

    if (!service->pg)
        return; // we are closing it ourselves
    if (ready) {
        LOG_INFO("pg.ready");
        bind_nothing(&none, STATEMENT_LOGIN_EXCESS);
        pg_call(service->pg, &none, login_judged, service);
    } else {
        LOG_WARN("pg.lost");
    }
    SERVICE_PARTS (service, part)
        if (part->database_changed)
            part->database_changed(service);
}

static void channel_began(void *context)
{
    struct service *service = context;

    service->def->channel_heard(service, STR_ABSENT);
}

static void channel_heard(void *context, struct str payload)
{
    struct service *service = context;

    service->def->channel_heard(service, payload);
}

// From now on the work of this process carries its number (db/functions/requests/process.sql).
static struct pg_introduction introduction(struct service *service)
{
    char incarnation[ID_TEXT_LENGTH + 1];

    id_text(id_new(), incarnation);
    return (struct pg_introduction){
        .replace_sql = statements[STATEMENT_CONNECTION_REPLACE].sql,
        .sql = statements[STATEMENT_PROCESS_INTRODUCE].sql,
        .params = {arena_c_string(service->arena, str_of(incarnation)), service->settings.instance,
                   revision},
    };
}

static bool start(struct service *service, struct err *err)
{
    const struct service_config *config = &service->settings.skeleton;

    if (config->pg_url.len == 0)
        return err_set(err, ERR_BAD_INPUT, "NEXUS_PG_URL is empty: set the address of PostgreSQL");
    const char *weakness = pg_url_weakness(arena_c_string(service->arena, config->pg_url));
    if (weakness)
        LOG_WARN("pg.url_weak", LOG_STR("why", str_of(weakness)));
    service->pg = pg_new(&service->loop,
                         &(struct pg_options){.url = arena_c_string(service->arena, config->pg_url),
                                              .application = service->settings.instance,
                                              .introduction = introduction(service),
                                              .connections = (unsigned)config->pg_connections,
                                              .waiting_limit = WAITING_LIMIT,
                                              .metrics = service->metrics,
                                              .changed = changed,
                                              .context = service},
                         statements, STATEMENT_LIMIT);
    uv_timer_init(&service->loop, &service->pg_look);
    service->pg_look.data = service;
    uv_timer_start(&service->pg_look, writes_look, LOOK_MS, LOOK_MS);
    if (service->def->channel)
        service->pg_listen = pg_listen_new(
            &service->loop,
            &(struct pg_listen_options){.url = arena_c_string(service->arena, config->pg_url),
                                        .application = service->settings.instance,
                                        .channel = service->def->channel,
                                        .began = channel_began,
                                        .heard = channel_heard,
                                        .context = service});
    return true;
}

struct pg *service_pg_open(struct service *service, const char *purpose, unsigned limit_s)
{
    const struct service_config *config = &service->settings.skeleton;
    struct str application =
        arena_printf(service->arena, "%s-%s", service->settings.instance, purpose);

    return pg_new(&service->loop,
                  &(struct pg_options){.url = arena_c_string(service->arena, config->pg_url),
                                       .application = arena_c_string(service->arena, application),
                                       .introduction.replace_sql =
                                           statements[STATEMENT_CONNECTION_REPLACE].sql,
                                       .connections = 1,
                                       .waiting_limit = WAITING_LIMIT,
                                       .statement_limit_s = limit_s},
                  statements, STATEMENT_LIMIT);
}

static void probe_ended(void *context, const struct pg_result *result, const struct err *err)
{
    struct service *service = context;

    (void)result; // pg_writes() knows
    (void)err;
    service->pg_probing = false;
}

// Four times a second: writes a probe when nothing else writes, or after a failure, and reports
// whether writes work.
static void writes_look(uv_timer_t *timer)
{
    struct service *service = timer->data;
    int64_t now_ms = clock_monotonic_ms(), before_ms = service->pg_looked_ms;

    service->pg_looked_ms = now_ms;
    // A process that was itself stopped did not see the results of its writes.
    if (now_ms - before_ms > 4 * LOOK_MS)
        return;
    struct pg_writes writes = pg_writes(service->pg);
    if (pg_ready(service->pg) && !service->pg_probing && writes_want_probe(&writes, now_ms)) {
        service->pg_probing = true;
        bool after_failure = writes_want_proof(&writes);
        pg_call_probe(service->pg, after_failure ? STATEMENT_WORK_PROBE : STATEMENT_WRITE_PROBE,
                      after_failure, probe_ended, service);
    }
    service_health_look(service);
}

// Values that are measured in PostgreSQL are unknown while it is away; 0 would be wrong.
static void measured_forget(struct service *service)
{
    static const enum metric_id measured[] = {METRIC_QUEUE_DEPTH,     METRIC_QUEUE_OLDEST_AGE,
                                              METRIC_BREAKERS,        METRIC_DESTINATIONS_FAILING,
                                              METRIC_DB_XMIN_AGE,     METRIC_DELIVERY_DEAD_TUPLES,
                                              METRIC_LEDGER_IMBALANCE};

    for (size_t i = 0; i < COUNT_OF(measured); i++)
        metrics_unset(service->metrics, measured[i]);
}

static void publish(struct service *service)
{
    static const char db[] = "postgresql";
    struct pg_counts counts = pg_counts(service->pg);
    struct metrics *metrics = service->metrics;

    metric_set(metrics_series(metrics, METRIC_DB_READY), pg_ready(service->pg));
    metric_set(metrics_series(metrics, METRIC_DB_CONNECTIONS, db, "ready"), counts.connected);
    metric_set(metrics_series(metrics, METRIC_DB_CONNECTIONS, db, "connecting"), counts.connecting);
    metric_set(metrics_series(metrics, METRIC_DB_CONNECTIONS, db, "lost"), counts.lost);
    service->inflight[SERVICE_STATEMENTS] = pg_in_flight(service->pg);
    if (!pg_ready(service->pg))
        measured_forget(service);
}

static void quit(struct service *service)
{
    if (service->pg)
        uv_close((uv_handle_t *)&service->pg_look, NULL);
    pg_listen_close(&service->pg_listen);
    pg_close(&service->pg);
}

const struct service_part service_part_pg = {.start = start, .publish = publish, .quit = quit};
