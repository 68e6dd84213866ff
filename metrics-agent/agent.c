// agent: see the header.
#include "metrics-agent/agent.h"

#include "base/heap.h"
#include "io/http_server/http_server.h"
#include "io/zmq/zmq_socket.h"
#include "metrics-agent/exposition.h"
#include "metrics-agent/fold.h"
#include "metrics-agent/otlp.h"
#include "metrics-agent/pod.h"
#include "metrics-agent/requests.h"
#include "metrics-agent/state.h"
#include "telemetry/log.h"
#include "wire/telemetry/snapshot.h"
#include "wire/telemetry/span_frame.h"

#include <stdlib.h>

enum {
    BODY_LIMIT = 1024,
    CONNECTIONS_LIMIT = 64,
    SNAPSHOTS_WAITING = 256,
    TURN_MS = 50,
    QUIET_TURNS = 2,
    LAST_TURNS = 20,
};

struct agent {
    struct service *service;
    struct fold *fold;
    struct pod pod;
    struct zmq_socket *socket;
    struct http_server *http;
    struct otlp *otlp;    // NULL: spans are sent nowhere
    struct buf state;     // the path of its file; empty: totals end with this process
    bool state_is_broken; // logged once, until it works again
    uint64_t frames;      // received
    uv_timer_t last;      // while it drains; below
    unsigned turns, quiet_turns;
    uint64_t frames_before;
};

static int64_t now_ms(struct agent *agent)
{
    return (int64_t)uv_now(service_loop(agent->service));
}

// Counted by this process, like everything that it does itself, and logged only from time to time,
// because refused peers may retry without limit.
static void refusal_count(struct agent *agent, const char *why)
{
    metric_add(metrics_series(service_metrics(agent->service), METRIC_BUS_REFUSED, "metrics", why),
               1);
}

static void refusal_note(struct agent *agent, const char *why)
{
    bool is_news = now_ms(agent) >= agent->pod.refused_until_ms;

    refusal_count(agent, why);
    if (is_news)
        LOG_WARN("bus.refused", LOG_STR("reason", str_of(why)));
    agent->pod.refused_until_ms = now_ms(agent) + POD_REFUSED_MS;
}

static void connection_refused(void *context, bool unfinished)
{
    if (unfinished)
        refusal_count(context, "unfinished"); // normal: a probe does the same
    else
        refusal_note(context, "key");
}

static void origin_take(void *context, const struct span_origin *origin, const struct span *span)
{
    struct str *role = context;

    (void)span;
    *role = origin->role;
}

// A key may only send snapshots of the services it is allowed. An unreadable frame passes here: its
// reader refuses and logs it.
static bool sender_is_who_it_says(struct agent *agent, struct str body)
{
    struct snapshot_head head = {.role = STR_ABSENT};
    struct str role = STR_ABSENT;
    struct err err;

    if (span_frame_is(body))
        (void)!span_frame_decode(body, origin_take, &role, &err);
    else if (snapshot_decode(body, &head, NULL, NULL, &err))
        role = head.role;
    return !str_present(role) || zmq_socket_sender_is(agent->socket, role);
}

static void snapshot_received(void *context, struct str peer, struct str body)
{
    struct agent *agent = context;
    struct err err;

    (void)peer;
    agent->frames++;
    if (!sender_is_who_it_says(agent, body)) {
        refusal_note(agent, "service");
    } else if (!span_frame_is(body)) {
        if (!fold_take(agent->fold, body, now_ms(agent), &err))
            LOG_WARN("metrics.snapshot_refused", LOG_ERR(&err));
    } else if (agent->otlp && !otlp_take(agent->otlp, body, &err)) {
        LOG_WARN("spans.refused", LOG_ERR(&err));
    }
}

// A scrape is answered even if its numbers cannot be stored: they are correct, but a restart may
// lose them.
static void state_keep(struct agent *agent)
{
    struct err err;

    if (agent->state.len == 0)
        return;
    bool kept = state_write(buf_c_string(&agent->state), agent->fold, &err);
    if (!kept && !agent->state_is_broken)
        LOG_WARN("metrics.state_not_kept", LOG_ERR(&err));
    agent->state_is_broken = !kept;
}

static void metrics_answer(struct agent *agent, struct http_request *request)
{
    const struct agent_config *config = service_config(agent->service);
    enum exposition_format format = exposition_accepted(http_header(request, "accept"));
    AUTO(buf) text = {0};
    struct metrics *totals = metrics_new();

    // The next agent must not show lower totals than this one.
    state_keep(agent);
    fold_totals(agent->fold, now_ms(agent), totals);
    if (config->of_workers)
        requests_are_tasks(totals);
    exposition_write(totals, format, config->compatibility, &text);
    metrics_free(&totals);
    http_answer(request, &(struct http_answer){.status = 200,
                                               .content_type = exposition_content_type(format),
                                               .body = buf_str(&text)});
}

static void text_answer(struct http_request *request, int status, struct str text)
{
    http_answer(request, &(struct http_answer){
                             .status = status, .content_type = STR("text/plain"), .body = text});
}

// From a probe, or from a person who wants to know the reason.
static void pod_answer(struct agent *agent, struct http_request *request, enum pod_question asked)
{
    AUTO(buf) json = {0};
    bool yes = pod_ask(&agent->pod, asked, agent->fold, STR("metrics-agent"), now_ms(agent), &json);

    http_answer(request, &(struct http_answer){.status = yes ? 200 : 503,
                                               .content_type = STR("application/json"),
                                               .body = buf_str(&json)});
}

static void requested(void *context, struct http_request *request)
{
    struct str path = http_path(request);

    if (!str_equal(http_method(request), STR("GET")))
        text_answer(request, 405, STR("only GET\n"));
    else if (str_equal(path, STR("/metrics")))
        metrics_answer(context, request);
    else if (str_equal(path, STR("/health/live")))
        pod_answer(context, request, POD_LIVE);
    else if (str_equal(path, STR("/health/startup")))
        pod_answer(context, request, POD_STARTUP);
    else if (str_equal(path, STR("/health/ready")))
        pod_answer(context, request, POD_READY);
    else if (str_equal(path, STR("/processes")))
        pod_answer(context, request, POD_PROCESSES);
    else
        text_answer(request, 404,
                    STR("GET /metrics, /processes, /health/live, /health/ready or "
                        "/health/startup\n"));
}

static void state_begin(struct agent *agent)
{
    const struct agent_config *config = service_config(agent->service);
    struct err err;

    buf_str_append(&agent->state, config->state);
    if (config->state.len > 0 &&
        !state_read(buf_c_string(&agent->state), agent->fold, now_ms(agent), &err))
        LOG_WARN("metrics.state_not_read", LOG_ERR(&err));
}

static bool snapshots_listen(struct agent *agent, struct err *err)
{
    const struct agent_config *config = service_config(agent->service);
    AUTO(buf) endpoint = {0};

    buf_str_append(&endpoint,
                   config->bind.len ? config->bind : service_metrics_endpoint(agent->service));
    if (endpoint.len == 0)
        return err_set(err, ERR_BAD_INPUT,
                       "NEXUS_METRICS_BIND is empty: set the address at which snapshots arrive");
    agent->socket =
        zmq_socket_new(service_loop(agent->service), service_zmq(agent->service),
                       &(struct zmq_socket_options){.kind = ZMQ_SOCKET_PULL,
                                                    .high_water_mark = SNAPSHOTS_WAITING,
                                                    .curve = service_curve(agent->service),
                                                    .received = snapshot_received,
                                                    .refused = connection_refused,
                                                    .context = agent});
    if (!service_curve(agent->service) && !zmq_ipc_is_private(buf_c_string(&endpoint), err))
        return err_in(err, "NEXUS_METRICS_BIND");
    return zmq_socket_bind(agent->socket, buf_c_string(&endpoint), err) ||
           err_in(err, "NEXUS_METRICS_BIND");
}

static bool scrapes_listen(struct agent *agent, struct err *err)
{
    const struct agent_config *config = service_config(agent->service);
    AUTO(buf) host = {0};

    buf_str_append(&host, config->host);
    agent->http =
        http_server_new(service_loop(agent->service),
                        &(struct http_server_options){.host = buf_c_string(&host),
                                                      .port = (int)config->port,
                                                      .body_limit = BODY_LIMIT,
                                                      .connections_limit = CONNECTIONS_LIMIT,
                                                      .handle = requested,
                                                      .context = agent},
                        err);
    return agent->http != NULL;
}

static bool traces_send(struct agent *agent, struct err *err)
{
    const struct agent_config *config = service_config(agent->service);
    struct str endpoint = service_otlp_endpoint(agent->service);

    if (endpoint.len == 0)
        return true;
    agent->otlp = otlp_new(agent->service, endpoint, config->otlp_headers, err);
    return agent->otlp != NULL;
}

bool agent_init(struct service *service, struct err *err)
{
    struct agent *agent = heap_new(sizeof *agent);
    *agent = (struct agent){.service = service, .fold = fold_new()};
    service_set_state(service, agent);
    uv_timer_init(service_loop(service), &agent->last);
    state_begin(agent);
    return traces_send(agent, err) && snapshots_listen(agent, err) && scrapes_listen(agent, err);
}

static void traces_sent(void *context)
{
    service_drained(context);
}

// The last snapshots of processes that have ended may still be on their way through the kernel and
// libzmq. They are read until two turns bring nothing; a process that goes on sending delays the
// end for one second at most.
static void on_last_turn(uv_timer_t *timer)
{
    struct agent *agent = CONTAINER_OF(timer, struct agent, last);

    agent->quiet_turns = agent->frames == agent->frames_before ? agent->quiet_turns + 1 : 0;
    agent->frames_before = agent->frames;
    if (++agent->turns < LAST_TURNS && agent->quiet_turns < QUIET_TURNS)
        return;
    uv_timer_stop(timer);
    if (agent->otlp)
        otlp_drain(agent->otlp, traces_sent, agent->service);
    else
        service_drained(agent->service);
}

void agent_drain(struct service *service)
{
    struct agent *agent = service_state(service);

    http_server_drain(agent->http, 0);
    agent->frames_before = agent->frames;
    uv_timer_start(&agent->last, on_last_turn, TURN_MS, TURN_MS);
}

static void on_last_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct agent, last));
}

void agent_done(struct service *service)
{
    struct agent *agent = service_state(service);

    if (!agent)
        return;
    http_server_free(&agent->http);
    zmq_socket_free(&agent->socket);
    otlp_free(&agent->otlp);
    // Its own last snapshot would come now, and nothing receives it any more.
    fold_ended(agent->fold, STR("metrics-agent"), str_of(service_slot(service)));
    state_keep(agent);
    buf_release(&agent->state);
    fold_free(&agent->fold);
    service_set_state(service, NULL);
    uv_close((uv_handle_t *)&agent->last, on_last_closed);
}
