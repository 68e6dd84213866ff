// bus_round_trip: measures the speed of the bus alone, between a gateway and a worker process over
// ipc. A window of calls is kept in flight; requests have 200 bytes, replies 60.
//
//   bus_round_trip [window] [seconds] [open]   prints calls/s and CPU-µs of each call for both processes; open: no keys
#include "base/clock.h"
#include "base/panic.h"
#include "bus/gateway/bus_gateway.h"
#include "bus/worker/bus_worker.h"
#include "io/zmq/zmq_socket.h"
#include "telemetry/metrics.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

enum { PAYLOAD_BYTES = 200, REPLY_BYTES = 60 };

struct bench {
    uv_loop_t loop;
    uv_timer_t end;
    struct bus_gateway *gateway;
    struct bus_worker *worker;
    int window;
    uint64_t answered, failed, started, partition;
    bool over;
};

static const char text[PAYLOAD_BYTES];

// The keys of both sides; without them the bus has no authentication.
static struct {
    char gateway_public[41], gateway_secret[41], worker_public[41], worker_secret[41];
    struct zmq_curve gateway, worker;
} keys;

static void keys_make(void)
{
    zmq_curve_keypair(keys.gateway_public, keys.gateway_secret);
    zmq_curve_keypair(keys.worker_public, keys.worker_secret);
    keys.gateway = (struct zmq_curve){.public_key = str_of(keys.gateway_public),
                                      .secret_key = str_of(keys.gateway_secret),
                                      .allowed_clients = str_of(keys.worker_public)};
    keys.worker = (struct zmq_curve){.public_key = str_of(keys.worker_public),
                                     .secret_key = str_of(keys.worker_secret),
                                     .server_key = str_of(keys.gateway_public)};
}

static void request_came(void *context, struct bus_origin *origin, const struct envelope *envelope,
                         struct str payload)
{
    struct bench *bench = context;

    (void)envelope;
    (void)payload;
    bus_worker_reply(bench->worker, origin, ERR_OK, str_make(text, REPLY_BYTES));
}

static void health_asked(void *context, struct bus_heartbeat *heartbeat)
{
    (void)context;
    heartbeat->db_ready = heartbeat->cache_ready = true;
}

static void worker_run(const char *socket)
{
    struct bench bench = {0};
    struct err err;
    char endpoint[128];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(endpoint, sizeof endpoint, "ipc://%s", socket);
    uv_loop_init(&bench.loop);
    bench.worker = bus_worker_new(&bench.loop, zmq_bus_context_new(),
                                  &(struct bus_worker_options){.endpoints = str_of(endpoint),
                                                               .service = SERVICE_SMS,
                                                               .instance = STR("bench-0"),
                                                               .credit_messages = 256,
                                                               .credit_bytes = 4 * 1024 * 1024,
                                                               .curve = &keys.worker,
                                                               .metrics = metrics_new(),
                                                               .request = request_came,
                                                               .health = health_asked,
                                                               .context = &bench},
                                  &err);
    bus_worker_open(bench.worker);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
}

static void call(struct bench *bench);

static void answered(void *context, enum err_code code, struct str payload)
{
    struct bench *bench = context;

    (void)payload;
    bench->answered += code == ERR_OK;
    bench->failed += code != ERR_OK;
    if (!bench->over)
        call(bench);
}

static void call(struct bench *bench)
{
    struct envelope envelope = {.message = MSG_SMS_INBOUND,
                                .principal = {.tenant = 1, .name = STR("bench")},
                                .partition = ++bench->partition,
                                .deadline_ms = 5000};

    bus_gateway_call(bench->gateway, &envelope, str_make(text, sizeof text), answered, bench);
}

static void end_reached(uv_timer_t *timer)
{
    struct bench *bench = timer->data;

    bench->over = true;
    uv_stop(&bench->loop);
}

static double cpu_us(int who)
{
    struct rusage usage;

    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    struct bench bench = {.window = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 128};
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 3;
    char socket[] = "/tmp/nexus-bus-bench-XXXXXX", bind[128];
    struct bus_worker_view view;
    struct err err;

    (void)!mkstemp(socket);
    if (argc <= 3)
        keys_make();
    pid_t child = fork();
    if (child == 0) {
        worker_run(socket);
        return 0;
    }
    snprintf(bind, sizeof bind, "ipc://%s", socket);
    uv_loop_init(&bench.loop);
    bench.gateway = bus_gateway_new(&bench.loop, zmq_bus_context_new(),
                                    &(struct bus_gateway_options){.bind = str_of(bind),
                                                                  .instance = STR("bench"),
                                                                  .curve = &keys.gateway,
                                                                  .metrics = metrics_new()},
                                    &err);
    if (!bench.gateway)
        die("bus_round_trip: %s", err.text);
    while (bus_gateway_workers(bench.gateway, &view, 1) == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);

    uv_timer_init(&bench.loop, &bench.end);
    bench.end.data = &bench;
    uv_timer_start(&bench.end, end_reached, (uint64_t)(seconds * 1000), 0);
    double before_us = cpu_us(RUSAGE_SELF);
    for (int i = 0; i < bench.window; i++)
        call(&bench);
    uv_run(&bench.loop, UV_RUN_DEFAULT);

    double gateway_us = cpu_us(RUSAGE_SELF) - before_us, calls = (double)bench.answered;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    unlink(socket);
    printf("window %d: %.0f calls/s, failed %llu, CPU a call: gateway %.2f us, worker %.2f us\n",
           bench.window, calls / seconds, (unsigned long long)bench.failed, gateway_us / calls,
           cpu_us(RUSAGE_CHILDREN) / calls);
    fflush(stdout);
    _exit(bench.failed > 0); // at a normal exit czmq expects that its threads have ended
}
