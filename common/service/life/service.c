// service: the life of a process, top to bottom: service_main() → start() → the loop runs →
// stop_asked() → drained_check() → finish().
#include "service/service.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "base/revision.h"
#include "io/loop.h"
#include "io/zmq/zmq_socket.h"
#include "process/failpoint.h"
#include "process/memory.h"
#include "process/ready.h"
#include "process/secrecy.h"
#include "secrets/log_token.h"
#include "service/parts/writes.h"
#include "service/state.h"
#include "service/stats/process.h"
#include "telemetry/log.h"

#include <signal.h>
#include <stdlib.h>

// ---- stop

void service_drained(struct service *service)
{
    ASSERT(service->draining && service->drains_left > 0);
    if (--service->drains_left == 0)
        uv_stop(&service->loop);
}

static void drain_took_too_long(uv_timer_t *timer)
{
    struct service *service = timer->data;

    LOG_WARN("service.drain_timeout");
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
    // All are counted before the first one can report that it has nothing to drain.
    service->drains_left = 1;
    SERVICE_PARTS (service, part)
        service->drains_left += part->drain != NULL;
    SERVICE_PARTS (service, part)
        if (part->drain)
            part->drain(service);
    if (service->def->drain)
        service->def->drain(service);
    else
        service_drained(service);
}

// ---- start

static void level_turned(uv_signal_t *handle, int number)
{
    (void)handle;
    log_turn(number == SIGUSR1 ? -1 : 1);
}

static void signal_start(struct service *service, uv_signal_t *handle, uv_signal_cb heard,
                         int number)
{
    uv_signal_init(&service->loop, handle);
    handle->data = service;
    uv_signal_start(handle, heard, number);
}

static void signals_start(struct service *service)
{
    signal(SIGPIPE,
           SIG_IGN); // writing to a closed connection is an error and must not end the process
    signal_start(service, &service->terminate, stop_asked, SIGTERM);
    signal_start(service, &service->interrupt, stop_asked, SIGINT);
    signal_start(service, &service->louder, level_turned, SIGUSR1);
    signal_start(service, &service->quieter, level_turned, SIGUSR2);
    uv_timer_init(&service->loop, &service->drain_limit);
    service->drain_limit.data = service;
}

// Nothing arrives before the loop runs. So a program's init can use all parts, and the parts find a
// program that is ready.
static bool start(struct service *service, struct err *err)
{
    service->zmq = zmq_bus_context_new();
    SERVICE_PARTS (service, part)
        if (!part->start(service, err))
            return false;
    service->process = process_new(service, err);
    if (!service->process)
        return false;
    return !service->def->init || service->def->init(service, err);
}

// ---- health

void service_health_look(struct service *service)
{
    struct health_reasons reasons = {0};

    if (service->pg) {
        struct pg_writes writes = pg_writes(service->pg);
        writes_judge(&writes, pg_ready(service->pg), clock_monotonic_ms(), &reasons);
    }
    if (log_is_stuck())
        health_reasons_add(&reasons, HEALTH_LOG_STUCK, service->settings.instance);
    if (service->def->health)
        service->def->health(service, &reasons);
    if (health_reasons_equal(&reasons, &service->reasons))
        return;
    for (size_t i = 0; i < reasons.count; i++)
        LOG_WARN("health.reason", LOG_STR("reason", health_reason_type(reasons.list[i].id)->code),
                 LOG_STR("about", str_of(reasons.list[i].about)));
    if (reasons.count == 0)
        LOG_INFO("health.well");
    service->reasons = reasons;
    SERVICE_PARTS (service, part)
        if (part->reasons_changed)
            part->reasons_changed(service);
}

// ---- finish

static void finish(struct service *service)
{
    SERVICE_PARTS (service, part)
        if (part->quit)
            part->quit(service);
    if (service->def->done)
        service->def->done(service);
    process_free(&service->process);
    SERVICE_PARTS (service, part)
        if (part->stop)
            part->stop(service);
    uv_close((uv_handle_t *)&service->terminate, NULL);
    uv_close((uv_handle_t *)&service->interrupt, NULL);
    uv_close((uv_handle_t *)&service->louder, NULL);
    uv_close((uv_handle_t *)&service->quieter, NULL);
    uv_close((uv_handle_t *)&service->drain_limit, NULL);
    loop_close(&service->loop);
    zmq_bus_context_free(&service->zmq);
    metrics_free(&service->metrics);
    spans_free(&service->spans);
}

static void environment_check(const struct service *service)
{
    struct err err;

    if (getuid() == 0 || geteuid() == 0)
        die("%s does not run as root; start it as a user that owns nothing else",
            service->def->name);
    if (!failpoints_init(&err))
        die("%s: %s", service->def->name, err.text);
    secrecy_begin();
}

static void log_start(const struct service *service)
{
    enum log_level level = LOG_LEVEL_INFO;

    (void)!log_level_parse(service->settings.skeleton.log_level, &level); // settings_read() has
    log_init(service->def->name, service->settings.instance, level);
}

int service_main(const struct service_def *def, int argc, char **argv)
{
    int ready = ready_descriptor();
    struct service *service = heap_new(sizeof *service);
    struct err err;

    service->def = def;
    service->arena = arena_new();
    settings_read(&service->settings, def, argc, argv, service->arena);
    log_start(service);
    environment_check(service);
    if (uv_loop_init(&service->loop) != 0)
        panic("uv_loop_init failed");
    random_bytes(&service->random.state, sizeof service->random.state);
    service->metrics = metrics_new();
    if (service->settings.skeleton.otlp_endpoint.len > 0)
        service->spans = spans_new(service->settings.trace_sample);
    signals_start(service);

    bool started = start(service, &err);
    if (!started)
        LOG_ERROR("service.failed", LOG_ERR(&err));
    if (started) {
        LOG_INFO("service.ready", LOG_STR("build", str_of(revision)));
        log_flush();
        memory_give_back();
        ready_say(ready);
        uv_run(&service->loop, UV_RUN_DEFAULT);
    }
    finish(service);
    LOG_INFO("service.stopped");
    log_flush();
    arena_free(&service->arena);
    free(service);
    // Faults of the settings are permanent; any other fault may pass, so a restart may help.
    return started ? EXIT_SUCCESS : err.code == ERR_BAD_INPUT ? EXIT_PERMANENT : EXIT_FAILURE;
}

// ---- what a program can request

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

const char *service_slot(const struct service *service)
{
    return service->settings.slot;
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

// Without a key of metrics-agent, ipc:// stays as open as it is in metrics-agent itself.
const struct zmq_curve *service_metrics_curve(const struct service *service)
{
    const struct service_config *config = &service->settings.skeleton;
    bool is_for_agent =
        config->curve_agent.len > 0 || !str_starts(config->metrics_push, STR("ipc://"));

    return service->settings.curve_on && is_for_agent ? &service->settings.metrics_curve : NULL;
}

struct metrics *service_metrics(struct service *service)
{
    return service->metrics;
}

int64_t service_drain_timeout_ms(const struct service *service)
{
    return service->settings.skeleton.drain_timeout_ms;
}

void service_set_inflight(struct service *service, enum service_inflight what, size_t count)
{
    service->inflight[what] = count;
}

struct str service_metrics_endpoint(const struct service *service)
{
    return service->settings.skeleton.metrics_push;
}

const struct health_reasons *service_reasons(const struct service *service)
{
    return &service->reasons;
}

struct spans *service_spans(struct service *service)
{
    return service->spans;
}

struct log_token service_log_token(const struct service *service, struct str address)
{
    return log_token_make(service->settings.log_key, address);
}

struct str service_otlp_endpoint(const struct service *service)
{
    return service->settings.skeleton.otlp_endpoint;
}

bool service_https_only(const struct service *service)
{
    return service->settings.skeleton.webhook_https_only;
}

struct random *service_random(struct service *service)
{
    return &service->random;
}

bool service_key_encryption_keys(void *context, struct arena *arena, struct str *text,
                                 struct err *err)
{
    const struct service *service = context;

    return settings_key_encryption_keys(&service->settings, arena, text, err);
}

void service_set_state(struct service *service, void *state)
{
    service->state = state;
}

void *service_state(struct service *service)
{
    return service->state;
}
