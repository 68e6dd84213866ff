// service: the skeleton that every program shares. A program is a struct service_def and a call:
//
//   int main(int argc, char **argv) { return service_main(&sms_worker, argc, argv); }
//
// The life of a process: options (--help, --version, --config FILE, --check-config, --instance N) →
// refuse uid 0 → config → log → failpoints → loop and signals → what it needs (PostgreSQL, bus,
// Redis, HTTP client) → init → "ready" to the supervisor (process/ready.h) → run → SIGTERM or
// SIGINT → drain, at most NEXUS_DRAIN_TIMEOUT → done → exit 0. A second signal exits at once. Bad
// configuration exits 125. SIGUSR1 makes the log one level more detailed, SIGUSR2 one level less. A
// loop that has not ticked for 10 s aborts (a watchdog timer of the kernel's, setitimer), so that a
// wedged process is restarted.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/random.h"
#include "config/config.h"
#include "io/pg/pg.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "wire/message.h"

#include <uv.h>

struct service;
struct task;
struct batch_def;
struct bus_worker;
struct zmq_bus_context;
struct zmq_curve;
struct http_client;
struct spans;

// What a program may need beside its loop, log, settings and metrics. Named, not flagged, so that a
// program is linked with the libraries of those it names and with no others.
struct health_reasons;
struct service_part;
extern const struct service_part service_part_pg, service_part_http_client, service_part_bus_worker;
#define NEEDS_PG          (&service_part_pg)
#define NEEDS_HTTP_CLIENT (&service_part_http_client)
#define NEEDS_BUS_WORKER  (&service_part_bus_worker)

enum { SERVICE_PARTS_LIMIT = 4 };

struct handler {
    enum message_id message;
    void (*take)(struct task *task); // cold: one task
    const struct batch_def *batch;   // hot: what arrived together
};

struct service_def {
    const char *name;        // "sms-worker"
    const char *summary;     // one line for --help
    enum service_id service; // SERVICE_NONE where it takes no requests
    const struct service_part *needs[SERVICE_PARTS_LIMIT]; // {NEEDS_PG, NEEDS_BUS_WORKER}
    const char *http_allow; // ranges its HTTP requests may reach beside the public internet; NULL:
                            // those of NEXUS_WEBHOOK_ALLOW_CIDRS
    const struct config_key *config;
    size_t config_count;
    size_t config_size; // of the program's struct
    const struct handler *handlers;
    size_t handler_count;
    bool (*init)(struct service *service, struct err *err);
    // Called for each hot message: must end in task_batch(), at once or later, or in task_fail().
    // NULL: all join their batches.
    void (*before_batch)(struct task *task);
    void (*doorbell)(struct service *service, uint32_t destination);
    void (*publish)(
        struct service *service); // once a second: gauges that it does not keep up itself
    // Why its health is not green, as far as the program itself knows. If the program uses
    // PostgreSQL it is asked four times a second, so it must be cheap. NULL: it knows nothing.
    void (*health)(struct service *service, struct health_reasons *reasons);
    // A channel of PostgreSQL (NOTIFY) this program listens to, beside its statements; NULL: none.
    // payload is absent when listening begins or begins again: earlier notifications were not
    // received.
    const char *channel;
    void (*channel_heard)(struct service *service, struct str payload);
    // Asked to stop: take nothing new, call service_drained() when the last work is done (at once
    // if NULL). Tasks that handlers hold are waited for by the skeleton.
    void (*drain)(struct service *service);
    // Mirror of init; also after a failed init. By then the loop has stopped, PostgreSQL is closed,
    // all HTTP requests are over and all their callbacks have run; service_pg() is NULL.
    void (*done)(struct service *service);
};

int service_main(const struct service_def *def, int argc, char **argv);
void service_drained(struct service *service);

uv_loop_t *service_loop(struct service *service);
const void *service_config(const struct service *service);   // the program's struct
const char *service_instance(const struct service *service); // "sms-worker-0"
const char *service_slot(const struct service *service);     // "0"
struct pg *service_pg(struct service *service);
// Opens one more connection to PostgreSQL, for statements that may take up to limit_s and would
// delay others. PostgreSQL shows it as "<instance>-<purpose>". The caller closes it (pg_close()).
struct pg *service_pg_open(struct service *service, const char *purpose, unsigned limit_s);
struct http_client *service_http_client(struct service *service);
struct bus_worker *service_bus(struct service *service);
struct zmq_bus_context *service_zmq(struct service *service);
const struct zmq_curve *service_curve(const struct service *service); // NULL: none configured
// Towards metrics-agent.
const struct zmq_curve *service_metrics_curve(const struct service *service);
struct metrics *service_metrics(struct service *service);
// What a program has in flight beside what its parts report; for the metrics.
enum service_inflight {
    SERVICE_EXCHANGES,  // HTTP requests of others
    SERVICE_STATEMENTS, // of PostgreSQL
    SERVICE_COMMANDS,   // of Redis
    SERVICE_TRANSFERS,  // HTTP requests to others
    SERVICE_REQUESTS,   // over the bus
    SERVICE_LOOP,       // of libuv itself: names looked up, connections made, bytes written
    SERVICE_INFLIGHT_COUNT
};
void service_set_inflight(struct service *service, enum service_inflight what, size_t count);
int64_t service_drain_timeout_ms(const struct service *service);
struct str service_metrics_endpoint(const struct service *service); // where snapshots are sent to
const struct health_reasons *service_reasons(const struct service *service); // of the last look
struct spans *service_spans(struct service *service);                        // NULL: none are kept
struct str service_otlp_endpoint(const struct service *service);             // empty: no traces
bool service_https_only(const struct service *service); // NEXUS_WEBHOOK_HTTPS_ONLY
struct random *service_random(struct service *service);
// A phone number or address as this installation's logs show it.
struct log_token service_log_token(const struct service *service, struct str address);
// A keyring_read_fn (secrets/keyring.h), with the service as its context.
bool service_key_encryption_keys(void *service, struct arena *arena, struct str *text,
                                 struct err *err);
void service_set_state(struct service *service, void *state); // what init made
void *service_state(struct service *service);
