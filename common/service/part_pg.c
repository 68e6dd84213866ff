// part_pg: PostgreSQL for a program that needs it.
#include "base/log.h"
#include "io/pg_listen.h"
#include "service/state.h"
#include "store/statements.h"

enum { WAITING_LIMIT = 4096, CHECK_TELLS = 5 };

static void changed(void *context, bool ready)
{
    struct service *service = context;

    if (!service->pg)
        return; // we are closing it ourselves
    if (ready)
        LOG_INFO("pg.ready");
    else
        LOG_WARN("pg.lost");
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

// From now on what this process does carries its number (db/functions/process.sql).
static struct pg_introduction introduction(struct service *service)
{
    char incarnation[ID_TEXT_LENGTH + 1];

    id_text(id_new(), incarnation);
    return (struct pg_introduction){
        .sql = statements[STATEMENT_PROCESS_INTRODUCE].sql,
        .params = {arena_c_string(service->arena, str_of(incarnation)), service->settings.instance,
                   NEXUS_REVISION},
    };
}

static bool start(struct service *service, struct err *err)
{
    const struct service_config *config = &service->settings.skeleton;

    if (config->pg_url.len == 0)
        return err_set(err, ERR_BAD_INPUT, "NEXUS_PG_URL is empty: where is PostgreSQL?");
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

static void writes_checked(void *context, const struct pg_result *result, const struct err *err)
{
    struct service *service = context;

    if (!err && pg_get_bool(result, 0, 0))
        pg_leave_read_only(service->pg);
}

// A server may become read-only while we stay connected. Who writes is told so; who is idle asks,
// or health would say that all is well until somebody comes.
static void writes_check(struct service *service)
{
    struct pg_params params;

    if (!pg_ready(service->pg) || ++service->pg_tells % CHECK_TELLS != 0)
        return;
    pg_params_init(&params);
    pg_call(service->pg, STATEMENT_IS_READ_ONLY, &params, writes_checked, service);
}

static void tell(struct service *service)
{
    static const char db[] = "postgresql";
    struct pg_counts counts = pg_counts(service->pg);
    struct metrics *metrics = service->metrics;

    metric_set(metrics_series(metrics, METRIC_DB_READY), pg_ready(service->pg));
    metric_set(metrics_series(metrics, METRIC_DB_CONNECTIONS, db, "ready"), counts.connected);
    metric_set(metrics_series(metrics, METRIC_DB_CONNECTIONS, db, "connecting"), counts.connecting);
    metric_set(metrics_series(metrics, METRIC_DB_CONNECTIONS, db, "lost"), counts.lost);
    service->under_way[SERVICE_STATEMENTS] = pg_in_flight(service->pg);
    writes_check(service);
}

static void quit(struct service *service)
{
    pg_listen_close(&service->pg_listen);
    pg_close(&service->pg);
}

const struct service_part service_part_pg = {.start = start, .tell = tell, .quit = quit};
