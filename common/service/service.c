// service: the life of a process, top to bottom: service_main() → start() → the loop runs →
// stop_asked() → drained_check() → finish().
#include "service/service.h"

#include "base/failpoint.h"
#include "base/log.h"
#include "base/panic.h"
#include "bus/bus_worker.h"
#include "io/address.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "io/zmq_socket.h"
#include "service/process.h"
#include "service/settings.h"
#include "service/tasks.h"
#include "store/statements.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

enum {
    READY_DESCRIPTOR = 3,
    PG_WAITING_LIMIT = 4096,
    HTTP_CONNECTIONS = 512,
    HTTP_CONNECTIONS_PER_HOST = 512, // who calls has a window for each destination
};

struct service {
    const struct service_def *def;
    struct settings settings;
    struct arena *arena; // of the settings
    uv_loop_t loop;
    uv_signal_t terminate, interrupt;
    uv_timer_t drain_limit;
    struct metrics *metrics;
    struct random random;
    struct zmq_bus_context *zmq;
    struct pg *pg;
    struct address_ranges *webhook_allow;
    struct http_client *http_client;
    struct bus_worker *bus;
    struct tasks *tasks;
    struct process *process;
    void *state;
    bool draining, program_drained, bus_drained;
};

// ---- stop

static void drained_check(struct service *service)
{
    if (service->draining && service->program_drained && service->bus_drained)
        uv_stop(&service->loop);
}

void service_drained(struct service *service)
{
    service->program_drained = true;
    drained_check(service);
}

static void bus_is_drained(void *context)
{
    struct service *service = context;

    service->bus_drained = true;
    drained_check(service);
}

static void drain_took_too_long(uv_timer_t *timer)
{
    struct service *service = timer->data;

    LOG_WARN("service.drain_timeout",
             LOG_INT("unanswered", service->bus ? bus_worker_unanswered(service->bus) : 0));
    uv_stop(&service->loop);
}

static void stop_asked(uv_signal_t *handle, int number)
{
    struct service *service = handle->data;

    if (service->draining) {
        LOG_WARN("service.stopped_at_once", LOG_INT("signal", number));
        log_flush();
        _exit(EXIT_FAILURE);
    }
    LOG_INFO("service.draining", LOG_INT("signal", number));
    service->draining = true;
    uv_timer_start(&service->drain_limit, drain_took_too_long,
                   (uint64_t)service->settings.skeleton.drain_timeout_ms, 0);
    service->bus_drained = !service->bus;
    if (service->bus)
        bus_worker_drain(service->bus);
    if (service->def->drain)
        service->def->drain(service);
    else
        service->program_drained = true;
    drained_check(service);
}

// ---- what the adapters call

static void pg_changed(void *context, bool ready)
{
    (void)context;
    if (ready)
        LOG_INFO("pg.ready");
    else
        LOG_WARN("pg.lost");
}

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

static void health_asked(void *context, bool *db_ready, bool *cache_ready)
{
    struct service *service = context;

    *db_ready = !service->pg || pg_ready(service->pg);
    *cache_ready = true; // workers have no cache; the gateway knows its own
}

// ---- start

static void signals_start(struct service *service)
{
    signal(SIGPIPE, SIG_IGN); // writing to what has gone is an error, not an end
    uv_signal_init(&service->loop, &service->terminate);
    uv_signal_init(&service->loop, &service->interrupt);
    uv_timer_init(&service->loop, &service->drain_limit);
    service->terminate.data = service->interrupt.data = service->drain_limit.data = service;
    uv_signal_start(&service->terminate, stop_asked, SIGTERM);
    uv_signal_start(&service->interrupt, stop_asked, SIGINT);
}

static bool http_client_start(struct service *service, struct err *err)
{
    service->webhook_allow = address_ranges_parse(service->settings.skeleton.webhook_allow, err);
    if (!service->webhook_allow)
        return err_in(err, "NEXUS_WEBHOOK_ALLOW_CIDRS");
    service->http_client = http_client_new(
        &service->loop,
        &(struct http_client_options){.allow = service->webhook_allow,
                                      .connections_limit = HTTP_CONNECTIONS,
                                      .connections_per_host = HTTP_CONNECTIONS_PER_HOST,
                                      .user_agent = "Nexus/" NEXUS_REVISION});
    return true;
}

static void pg_start(struct service *service)
{
    const struct service_config *config = &service->settings.skeleton;

    service->pg = pg_new(&service->loop,
                         &(struct pg_options){.url = arena_c_string(service->arena, config->pg_url),
                                              .application = service->settings.instance,
                                              .connections = (unsigned)config->pg_connections,
                                              .waiting_limit = PG_WAITING_LIMIT,
                                              .changed = pg_changed,
                                              .context = service},
                         statements, STATEMENT_COUNT);
}

static bool bus_start(struct service *service, struct err *err)
{
    const struct service_config *config = &service->settings.skeleton;

    service->bus = bus_worker_new(
        &service->loop, service->zmq,
        &(struct bus_worker_options){.endpoints = config->bus,
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
                                     .context = service},
        err);
    return service->bus || err_in(err, "NEXUS_BUS");
}

// Nothing arrives before the loop runs, so a program's init finds all of this, and all of this
// finds a program that is ready.
static bool start(struct service *service, struct err *err)
{
    unsigned needs = service->def->needs;

    service->zmq = zmq_bus_context_new();
    if (needs & NEEDS_PG)
        pg_start(service);
    service->process = process_new(
        service, service->def->name, service->settings.slot,
        needs & NEEDS_METRICS_PUSH ? service->settings.skeleton.metrics_push : STR_ABSENT, err);
    if (!service->process)
        return false;
    if ((needs & NEEDS_HTTP_CLIENT) && !http_client_start(service, err))
        return false;
    if ((needs & NEEDS_BUS_WORKER) && !bus_start(service, err))
        return false;
    service->tasks = tasks_new(service, service->def);
    return !service->def->init || service->def->init(service, err);
}

// ---- finish

// PostgreSQL and the HTTP client go first: their last callbacks find the program's state alive.
static void finish(struct service *service)
{
    if (service->http_client)
        http_client_abort_all(service->http_client);
    pg_close(&service->pg);
    if (service->tasks)
        tasks_stop(service->tasks);
    if (service->def->done)
        service->def->done(service);
    tasks_free(&service->tasks);
    http_client_free(&service->http_client);
    address_ranges_free(&service->webhook_allow);
    bus_worker_free(&service->bus);
    process_free(&service->process);
    uv_close((uv_handle_t *)&service->terminate, NULL);
    uv_close((uv_handle_t *)&service->interrupt, NULL);
    uv_close((uv_handle_t *)&service->drain_limit, NULL);
    loop_close(&service->loop);
    zmq_bus_context_free(&service->zmq);
    metrics_free(&service->metrics);
}

// The supervisor that gave us the descriptor takes a newline on it for "ready".
static void ready_say(int descriptor)
{
    if (descriptor < 0)
        return;
    (void)!write(descriptor, "\n", 1); // nobody reads: then nobody waits
    close(descriptor);
}

static void environment_check(const struct service *service)
{
    struct err err;

    if (getuid() == 0 || geteuid() == 0)
        die("%s does not run as root; start it as a user that owns nothing else",
            service->def->name);
    if (!failpoints_init(&err))
        die("%s: %s", service->def->name, err.text);
}

static void log_start(const struct service *service)
{
    enum log_level level = LOG_LEVEL_INFO;

    (void)!log_level_parse(service->settings.skeleton.log_level, &level); // settings_read() has
    log_init(service->def->name, service->settings.instance, level);
}

int service_main(const struct service_def *def, int argc, char **argv)
{
    // Asked before anything is opened: afterwards the number may be one of ours.
    int ready = fcntl(READY_DESCRIPTOR, F_GETFD) >= 0 ? READY_DESCRIPTOR : -1;
    struct service *service = calloc(1, sizeof *service);
    struct err err;

    if (!service)
        panic("out of memory");
    service->def = def;
    service->arena = arena_new();
    settings_read(&service->settings, def, argc, argv, service->arena);
    log_start(service);
    environment_check(service);
    if (uv_loop_init(&service->loop) != 0)
        panic("uv_loop_init failed");
    random_bytes(&service->random.state, sizeof service->random.state);
    service->metrics = metrics_new();
    signals_start(service);

    bool started = start(service, &err);
    if (started) {
        LOG_INFO("service.ready", LOG_STR("build", STR(NEXUS_REVISION)));
        log_flush();
        ready_say(ready);
        uv_run(&service->loop, UV_RUN_DEFAULT);
    }
    finish(service);
    LOG_INFO("service.stopped");
    log_flush();
    arena_free(&service->arena);
    free(service);
    if (started)
        return EXIT_SUCCESS;
    if (err.code == ERR_BAD_INPUT)
        die("%s: %s", def->name, err.text);
    fprintf(stderr, "%s: %s\n", def->name, err.text); // may pass; being started again may help
    return EXIT_FAILURE;
}

// ---- what a program asks for

uv_loop_t *service_loop(struct service *service)
{
    return &service->loop;
}

const void *service_config(const struct service *service)
{
    return service->settings.program;
}

const char *service_instance(const struct service *service)
{
    return service->settings.instance;
}

struct pg *service_pg(struct service *service)
{
    return service->pg;
}

struct http_client *service_http_client(struct service *service)
{
    return service->http_client;
}

struct bus_worker *service_bus(struct service *service)
{
    return service->bus;
}

struct zmq_bus_context *service_zmq(struct service *service)
{
    return service->zmq;
}

const struct zmq_curve *service_curve(const struct service *service)
{
    return service->settings.curve_on ? &service->settings.curve : NULL;
}

struct metrics *service_metrics(struct service *service)
{
    return service->metrics;
}

struct str service_metrics_endpoint(const struct service *service)
{
    return service->settings.skeleton.metrics_push;
}

struct random *service_random(struct service *service)
{
    return &service->random;
}

struct tasks *service_tasks(struct service *service)
{
    return service->tasks;
}

const unsigned char *service_key_encryption_key(const struct service *service)
{
    return service->settings.key_on ? service->settings.key_encryption_key : NULL;
}

void service_set_state(struct service *service, void *state)
{
    service->state = state;
}

void *service_state(struct service *service)
{
    return service->state;
}
