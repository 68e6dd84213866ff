// part_bus_worker: requests from the gateways, for a program whose table has handlers.
#include "bus/worker/bus_worker.h"
#include "service/state.h"
#include "service/stats/queues.h"
#include "service/tasks/tasks.h"

enum { DATABASE_WAIT_MS = 1000 };

static void request_came(void *context, struct bus_origin *origin, const struct envelope *envelope,
                         struct str payload)
{
    struct service *service = context;
    tasks_take(service->tasks, origin, envelope, payload);
}

static void doorbell_rang(void *context, uint32_t destination)
{
    struct service *service = context;

    if (service->def->doorbell)
        service->def->doorbell(service, destination);
}

static void health_asked(void *context, struct bus_heartbeat *heartbeat)
{
    struct service *service = context;

    heartbeat->db_ready = !service->pg || pg_ready(service->pg);
    heartbeat->cache_ready = true; // workers have no cache; the gateway knows its own
    heartbeat->reasons = service->reasons;
    heartbeat->queues = service->queues;
    heartbeat->queue_count = queues_add_own(service->metrics, service->queues, 0, BUS_QUEUES_LIMIT);
}

static void bus_is_drained(void *context)
{
    service_drained(context);
}

static void open_now(uv_timer_t *timer)
{
    struct service *service = timer->data;
    bus_worker_open(service->bus);
}

// A worker that restarts after a crash would get the waiting requests a moment before its database
// answers, and could only refuse them. So it opens when the database is ready. If that takes longer
// than DATABASE_WAIT_MS it opens anyway, so that gateways learn why it refuses.
static void database_changed(struct service *service)
{
    if (!service->bus)
        return;
    if (pg_ready(service->pg))
        bus_worker_open(service->bus);
    bus_worker_send_health(service->bus);
}

static void reasons_changed(struct service *service)
{
    if (service->bus)
        bus_worker_send_health(service->bus);
}

static bool start(struct service *service, struct err *err)
{
    const struct service_config *config = &service->settings.skeleton;
    const struct bus_worker_options options = {.endpoints = config->bus,
                                               .service = service->def->service,
                                               .instance = str_of(service->settings.instance),
                                               .credit_messages = (uint32_t)config->credit_messages,
                                               .credit_bytes = (uint32_t)config->credit_bytes,
                                               .curve = service_curve(service),
                                               .metrics = service->metrics,
                                               .request = request_came,
                                               .doorbell = doorbell_rang,
                                               .health = health_asked,
                                               .drained = bus_is_drained,
                                               .context = service};

    service->tasks = tasks_new(service, service->def);
    service->bus = bus_worker_new(&service->loop, service->zmq, &options, err);
    if (!service->bus)
        return err_in(err, "NEXUS_BUS");
    uv_timer_init(&service->loop, &service->bus_open);
    service->bus_open.data = service;
    uv_timer_start(&service->bus_open, open_now, service->pg ? DATABASE_WAIT_MS : 0, 0);
    return true;
}

static void publish(struct service *service)
{
    size_t held = tasks_held(service->tasks);

    service->inflight[SERVICE_REQUESTS] = held;
    metric_set(metrics_series(service->metrics, METRIC_INFLIGHT, "commit"), (double)held);
}

// Includes the tasks that handlers hold: they are requests without an answer.
static void drain(struct service *service)
{
    bus_worker_drain(service->bus);
}

static void quit(struct service *service)
{
    if (service->tasks)
        tasks_stop(service->tasks);
}

static void stop(struct service *service)
{
    if (service->bus)
        uv_close((uv_handle_t *)&service->bus_open, NULL);
    tasks_free(&service->tasks);
    bus_worker_free(&service->bus);
}

const struct service_part service_part_bus_worker = {
    .start = start,
    .publish = publish,
    .drain = drain,
    .database_changed = database_changed,
    .reasons_changed = reasons_changed,
    .quit = quit,
    .stop = stop,
};
