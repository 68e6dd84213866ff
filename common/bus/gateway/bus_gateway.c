// bus_gateway: the life of a gateway's end of the bus: what happens at its start and end, at the
// end of each round of the loop, and once a second.
#include "bus/gateway/bus_gateway.h"

#include "base/heap.h"
#include "bus/gateway/gateway_state.h"
#include "telemetry/log.h"

#include <stdlib.h>

static void stay_awake(uv_idle_t *idle)
{
    (void)idle;
}

void gateway_want_round(struct bus_gateway *bus)
{
    uv_idle_start(&bus->awake, stay_awake);
}

// ---- rounds and ticks

static void round_end(uv_prepare_t *prepare)
{
    struct bus_gateway *bus = prepare->data;

    uv_idle_stop(&bus->awake);
    gateway_ring(bus);
    while (!list_is_empty(&bus->dirty)) {
        struct gateway_worker *worker = LIST_FIRST(&bus->dirty, struct gateway_worker, dirty);
        list_remove(&worker->dirty);
        gateway_flush(bus, worker);
        if (worker->broken)
            gateway_lose(bus, worker, "gone");
    }
    gateway_answer_refusals(bus);
}

static void gauges_set(struct bus_gateway *bus)
{
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        metric_set(bus->of_service[i].credit,
                   (double)gateway_workers_credit(bus->workers, (enum service_id)i));
        metric_set(bus->of_service[i].workers,
                   (double)gateway_workers_of(bus->workers, (enum service_id)i));
    }
    metric_set(bus->waiting, (double)calls_waiting(bus->calls));
    metric_set(bus->oldest, (double)calls_oldest_ms(bus->calls, gateway_now_ms(bus)) / 1000);
}

// The next of a list of endpoints; false at its end.
static bool endpoint_next(struct str *rest, struct buf *endpoint)
{
    struct str one;

    while (str_present(*rest)) {
        str_cut(*rest, ',', &one, rest);
        one = str_trim(one);
        if (one.len == 0)
            continue;
        buf_clear(endpoint);
        buf_str_append(endpoint, one);
        return true;
    }
    return false;
}

// A socket file that was removed is created again, so that later workers can connect.
static void endpoints_look_after(struct bus_gateway *bus)
{
    AUTO(buf) endpoint = {0};
    struct str rest = bus->options.bind;

    while (endpoint_next(&rest, &endpoint))
        if (zmq_socket_bind_again(bus->socket, buf_c_string(&endpoint)))
            LOG_WARN("bus.bound_again", LOG_STR("endpoint", buf_str(&endpoint)));
}

static void patience_end(struct bus_gateway *bus)
{
    if (bus->patience == 0 || --bus->patience > 0)
        return;
    for (size_t i = 0; i < SERVICE_COUNT; i++)
        if (gateway_workers_of(bus->workers, (enum service_id)i) == 0)
            gateway_fail_waiting(bus, (enum service_id)i, "no worker is connected");
}

static void ticked(uv_timer_t *timer)
{
    struct bus_gateway *bus = timer->data;
    // A gateway that was itself stopped received nothing, so it cannot tell which workers were
    // silent.
    bool frozen = gateway_now_ms(bus) - bus->ticked_ms > BUS_SILENCE_MS / 2;

    bus->ticked_ms = gateway_now_ms(bus);
    bus->refusal_logged = false;
    LIST_EACH (gateway_workers_list(bus->workers), struct gateway_worker, link, worker) {
        if (frozen)
            worker->heard_ms = gateway_now_ms(bus);
        if (gateway_now_ms(bus) - worker->heard_ms > BUS_SILENCE_MS) {
            gateway_lose(bus, worker, "silent");
        } else {
            bus_write_bare(&bus->frame, BUS_HEARTBEAT);
            gateway_send(bus, worker);
        }
    }
    patience_end(bus);
    endpoints_look_after(bus);
    gauges_set(bus);
}

// ---- life

static void metrics_find(struct bus_gateway *bus)
{
    struct metrics *metrics = bus->options.metrics;

    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        const char *name = service_name((enum service_id)i).ptr;
        bus->of_service[i].credit = metrics_series(metrics, METRIC_CREDIT, name);
        bus->of_service[i].workers = metrics_series(metrics, METRIC_WORKERS, name);
        bus->of_service[i].resent = metrics_series(metrics, METRIC_BUS_RESENT, name);
    }
    bus->over_share = metrics_series(metrics, METRIC_SHARES_EXCEEDED, "tenant_requests");
    bus->waiting = metrics_series(metrics, METRIC_QUEUE_DEPTH, "calls");
    bus->strangers = metrics_series(metrics, METRIC_BUS_REFUSED, "bus", "key");
    bus->unfinished = metrics_series(metrics, METRIC_BUS_REFUSED, "bus", "unfinished");
    bus->impostors = metrics_series(metrics, METRIC_BUS_REFUSED, "bus", "service");
    bus->oldest = metrics_series(metrics, METRIC_QUEUE_OLDEST_AGE, "calls");
}

static bool endpoints_bind(struct bus_gateway *bus, struct err *err)
{
    AUTO(buf) endpoint = {0};
    struct str rest = bus->options.bind;

    while (endpoint_next(&rest, &endpoint)) {
        if (bus->options.spares_the_living && zmq_ipc_is_taken(buf_c_string(&endpoint)))
            return err_set(err, ERR_UNAVAILABLE,
                           "cannot bind %.120s: another process listens there",
                           buf_c_string(&endpoint));
        if (bus->options.keeps_to_itself && !bus->options.curve &&
            !zmq_ipc_is_private(buf_c_string(&endpoint), err))
            return false;
        if (!zmq_socket_bind(bus->socket, buf_c_string(&endpoint), err))
            return false;
    }
    return endpoint.len > 0 || err_set(err, ERR_BAD_INPUT, "the bus has no address to bind");
}

static void handles_start(struct bus_gateway *bus)
{
    uv_prepare_init(bus->loop, &bus->before_sleep);
    uv_idle_init(bus->loop, &bus->awake);
    uv_timer_init(bus->loop, &bus->tick);
    uv_timer_init(bus->loop, &bus->deadline);
    bus->before_sleep.data = bus->awake.data = bus->tick.data = bus->deadline.data = bus;
    bus->handles_open = 4;
    uv_prepare_start(&bus->before_sleep, round_end);
    uv_timer_start(&bus->tick, ticked, BUS_HEARTBEAT_MS, BUS_HEARTBEAT_MS);
}

struct bus_gateway *bus_gateway_new(uv_loop_t *loop, struct zmq_bus_context *zmq,
                                    const struct bus_gateway_options *options, struct err *err)
{
    struct bus_gateway *bus = heap_new(sizeof *bus);
    *bus = (struct bus_gateway){.loop = loop,
                                .options = *options,
                                .reader = bus_reader_new(),
                                .calls = calls_new(options->tenant_share),
                                .workers = gateway_workers_new(),
                                .patience = options->patience_ms / BUS_HEARTBEAT_MS,
                                .ticked_ms = (int64_t)uv_now(loop),
                                .deadline_armed_ms = INT64_MAX};
    buf_str_append(&bus->bind, options->bind);
    bus->options.bind = buf_str(&bus->bind);
    list_init(&bus->dirty);
    metrics_find(bus);
    handles_start(bus);
    bus->socket =
        zmq_socket_new(loop, zmq,
                       &(struct zmq_socket_options){.kind = ZMQ_SOCKET_ROUTER,
                                                    .high_water_mark = BUS_HIGH_WATER_MARK,
                                                    .curve = options->curve,
                                                    .received = gateway_received,
                                                    .refused = gateway_refused,
                                                    .context = bus});
    if (!endpoints_bind(bus, err))
        bus_gateway_free(&bus);
    return bus;
}

static void handle_closed(uv_handle_t *handle)
{
    struct bus_gateway *bus = handle->data;

    if (--bus->handles_open == 0)
        free(bus);
}

void bus_gateway_free(struct bus_gateway **bus)
{
    struct bus_gateway *gone = *bus;

    if (!gone)
        return;
    *bus = NULL;
    gateway_fail_all(gone);
    LIST_EACH (gateway_workers_list(gone->workers), struct gateway_worker, link, worker) {
        while (!list_is_empty(&worker->calls)) // abandoned ones
            calls_close(gone->calls, LIST_FIRST(&worker->calls, struct bus_call, link));
        gateway_workers_remove(gone->workers, worker);
    }
    gateway_workers_free(&gone->workers);
    calls_free(&gone->calls);
    bus_reader_free(&gone->reader);
    zmq_socket_free(&gone->socket);
    buf_release(&gone->bind);
    buf_release(&gone->refusals);
    buf_release(&gone->frame);
    uv_close((uv_handle_t *)&gone->before_sleep, handle_closed);
    uv_close((uv_handle_t *)&gone->awake, handle_closed);
    uv_close((uv_handle_t *)&gone->tick, handle_closed);
    uv_close((uv_handle_t *)&gone->deadline, handle_closed);
}

size_t bus_gateway_workers(const struct bus_gateway *bus, struct bus_worker_view *views,
                           size_t limit)
{
    size_t count = 0;

    LIST_EACH (gateway_workers_list(bus->workers), struct gateway_worker, link, worker) {
        if (count == limit)
            break;
        views[count++] =
            (struct bus_worker_view){.instance = str_of(worker->instance),
                                     .service = worker->service,
                                     .db_ready = worker->health.db_ready,
                                     .cache_ready = worker->health.cache_ready,
                                     .draining = worker->draining,
                                     .load = worker->health.load,
                                     .silent_ms = gateway_now_ms(bus) - worker->heard_ms,
                                     .queues = worker->health.queues,
                                     .queue_count = worker->health.queue_count,
                                     .reasons = worker->health.reasons};
    }
    return count;
}

size_t bus_gateway_in_flight(const struct bus_gateway *bus)
{
    return calls_unanswered(bus->calls);
}

bool bus_gateway_has_refused(const struct bus_gateway *bus)
{
    return bus->refused_ms > 0 && gateway_now_ms(bus) - bus->refused_ms < BUS_REFUSAL_TOLD_MS;
}
