// bus_gateway: a call's way is bus_gateway_call() → call_place() → round_end() (the frame leaves) →
// reply_take(), or one of worker_lose() and deadlines_check(). Nothing is answered inside
// bus_gateway_call(): what is refused waits for the end of the round.
#include "bus/bus_gateway.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/random.h"
#include "bus/calls.h"
#include "bus/gateway_workers.h"
#include "bus/offenders.h"
#include "bus/protocol.h"
#include "io/zmq_socket.h"

#include <stdlib.h>

// A call that was refused at once.
struct refusal {
    bus_reply_fn *reply;
    void *context;
    struct err err;
};

struct bus_gateway {
    uv_loop_t *loop;
    struct zmq_socket *socket;
    struct bus_reader *reader;
    struct bus_gateway_options options;
    struct calls *calls;
    struct gateway_workers *workers;
    struct offenders offenders;
    struct list dirty;      // workers with something to send
    struct buf refusals;    // struct refusal, as many as were refused in this round
    struct buf frame;       // being sent
    struct bus_bells bells; // to pass on
    uv_prepare_t before_sleep;
    uv_idle_t awake; // while the end of the round has work
    uv_timer_t tick, deadline;
    int64_t ticked_ms, deadline_armed_ms;
    unsigned handles_open;
    struct {
        struct metric *credit, *workers, *resent;
    } of_service[SERVICE_COUNT];
    struct metric *waiting;
};

static void stay_awake(uv_idle_t *idle)
{
    (void)idle;
}

// What the end of the round has to do must not be slept over.
static void round_wanted(struct bus_gateway *bus)
{
    uv_idle_start(&bus->awake, stay_awake);
}

static int64_t now_ms(const struct bus_gateway *bus)
{
    return (int64_t)uv_now(bus->loop);
}

// ---- a call goes out

static void call_refuse(struct bus_gateway *bus, bus_reply_fn *reply, void *context,
                        const struct err *err)
{
    struct refusal refusal = {.reply = reply, .context = context, .err = *err};

    buf_append(&bus->refusals, &refusal, sizeof refusal);
    round_wanted(bus);
}

static void deadline_passed(uv_timer_t *timer);

// The timer is only ever moved forward to an earlier time; one that rings too early looks again.
static void deadline_arm(struct bus_gateway *bus)
{
    int64_t first_ms;

    if (!calls_first_deadline(bus->calls, &first_ms) || first_ms >= bus->deadline_armed_ms)
        return;
    bus->deadline_armed_ms = first_ms;
    int64_t wait_ms = first_ms > now_ms(bus) ? first_ms - now_ms(bus) : 0;
    uv_timer_start(&bus->deadline, deadline_passed, (uint64_t)wait_ms, 0);
}

static void worker_flush(struct bus_gateway *bus, struct gateway_worker *worker)
{
    if (worker->requests.count == 0)
        return;
    bus_list_frame(&worker->requests, BUS_REQUEST, &bus->frame);
    bus_list_clear(&worker->requests);
    if (!zmq_socket_send(bus->socket, gateway_worker_peer(worker), buf_str(&bus->frame)))
        worker->broken = true; // EHOSTUNREACH: it has gone; the end of the round buries it
}

static bool call_place(struct bus_gateway *bus, struct call *call)
{
    struct gateway_worker *worker = gateway_workers_place(bus->workers, call);

    if (!worker)
        return false;
    calls_out(bus->calls, call, worker, &worker->calls);
    worker->call_count++;
    if (!bus_list_has_room(&worker->requests, call_bytes(call)))
        worker_flush(bus, worker);
    int64_t left_ms = call->deadline_ms - now_ms(bus);
    call->envelope.deadline_ms = left_ms > 0 ? (uint32_t)left_ms : 0;
    bus_list_request(&worker->requests, &call->envelope, call->payload);
    if (!list_is_linked(&worker->dirty))
        list_append(&bus->dirty, &worker->dirty);
    round_wanted(bus);
    return true;
}

// NULL: refused, err says why.
static struct call *call_take(struct bus_gateway *bus, const struct message_type *type,
                              const struct envelope *envelope, struct str payload, struct err *err)
{
    struct str service = service_name(type->service);
    struct call *call;

    if (gateway_workers_of(bus->workers, type->service) == 0) {
        err_set(err, ERR_UNAVAILABLE, "no %.*s is connected", STR_ARG(service));
        return NULL;
    }
    if (payload.len > type->limit) {
        err_set(err, ERR_TOO_LARGE, "too large for %.*s", STR_ARG(type->name));
        return NULL;
    }
    call = calls_open(bus->calls, type->service, envelope, payload, now_ms(bus));
    // Those that wait already go first.
    if (call && (calls_first_waiting(bus->calls, type->service) || !call_place(bus, call)) &&
        !calls_wait(bus->calls, call)) {
        calls_close(bus->calls, call);
        call = NULL;
    }
    if (!call)
        err_set(err, ERR_BUSY, "too much waits for %.*s", STR_ARG(service));
    return call;
}

void bus_gateway_call(struct bus_gateway *bus, struct envelope *envelope, struct str payload,
                      bus_reply_fn *reply, void *context)
{
    const struct message_type *type = message_type(envelope->message);
    struct err err;

    ASSERT(type);
    struct call *call = call_take(bus, type, envelope, payload, &err);
    if (!call) {
        call_refuse(bus, reply, context, &err);
        return;
    }
    envelope->request = call_request(call);
    call->reply = reply;
    call->context = context;
    deadline_arm(bus);
}

static void waiting_place(struct bus_gateway *bus, enum service_id service)
{
    struct call *call;

    while ((call = calls_first_waiting(bus->calls, service)) && call_place(bus, call))
        ;
}

// ---- a call is answered

// The slot is free before the callback runs, which may well call again.
static void call_answer(struct bus_gateway *bus, struct call *call, enum err_code code,
                        struct str payload)
{
    bus_reply_fn *reply = call->reply;
    void *context = call->context;

    calls_close(bus->calls, call);
    reply(context, code, payload);
}

static void call_fail(struct bus_gateway *bus, struct call *call, enum err_code code,
                      const char *why)
{
    call_answer(bus, call, code, str_of(why));
}

static void worker_give_back(struct gateway_worker *worker, const struct call *call)
{
    credit_return(&worker->credit, call_bytes(call));
    worker->call_count--;
}

static void reply_take(struct bus_gateway *bus, struct gateway_worker *worker,
                       const struct bus_reply *reply)
{
    struct call *call = calls_find(bus->calls, reply->request);

    // Not known, or sent to another since: its client has its answer, or will have.
    if (!call || call->worker != worker)
        return;
    worker_give_back(worker, call);
    if (call->state == CALL_ABANDONED)
        calls_close(bus->calls, call);
    else
        call_answer(bus, call, reply->code, reply->payload);
}

static void call_expire(struct bus_gateway *bus, struct call *call)
{
    if (call->state == CALL_OUT) {
        // The worker still has it, so its slot and its credit stay taken until it answers.
        calls_abandon(bus->calls, call, now_ms(bus));
        call->reply(call->context, ERR_DEADLINE, STR("no answer in time"));
    } else if (call->state == CALL_ABANDONED) {
        worker_give_back(call->worker, call);
        calls_close(bus->calls, call);
    } else if (call->losses > 0) {
        call_fail(bus, call, ERR_UNKNOWN_OUTCOME, "the worker that had it vanished");
    } else {
        call_fail(bus, call, ERR_BUSY, "all workers are busy");
    }
}

static void deadline_passed(uv_timer_t *timer)
{
    struct bus_gateway *bus = timer->data;
    struct call *call;

    bus->deadline_armed_ms = INT64_MAX;
    while ((call = calls_expired(bus->calls, now_ms(bus))))
        call_expire(bus, call);
    deadline_arm(bus);
}

// ---- a worker is lost

static void waiting_fail(struct bus_gateway *bus, enum service_id service)
{
    struct call *call;

    // A call that was lost waits on for another worker: what became of it, only the database knows.
    while ((call = calls_first_waiting(bus->calls, service)) && call->losses == 0)
        call_fail(bus, call, ERR_UNAVAILABLE, "its last worker has gone");
}

static void call_lose(struct bus_gateway *bus, struct call *call, struct list *lost_again)
{
    if (call->state == CALL_ABANDONED) {
        calls_close(bus->calls, call);
    } else if (++call->losses > 1) {
        list_remove(&call->link);
        list_append(lost_again, &call->link);
    } else {
        metric_add(bus->of_service[call->service].resent, 1);
        calls_wait_again(bus->calls, call);
    }
}

static void worker_lose(struct bus_gateway *bus, struct gateway_worker *worker, const char *reason)
{
    enum service_id service = worker->service;
    struct list lost_again;

    LOG_WARN("bus.worker_lost", LOG_STR("worker", str_of(worker->instance)),
             LOG_STR("reason", str_of(reason)), LOG_INT("out", worker->call_count));
    list_init(&lost_again);
    // From the newest to the oldest, each to the front of the queue: so they keep their order.
    while (!list_is_empty(&worker->calls))
        call_lose(bus, CONTAINER_OF(worker->calls.previous, struct call, link), &lost_again);
    gateway_workers_remove(bus->workers, worker);
    metric_add(metrics_series(bus->options.metrics, METRIC_BUS_PEERS_DROPPED, reason), 1);

    while (!list_is_empty(&lost_again))
        call_fail(bus, LIST_FIRST(&lost_again, struct call, link), ERR_UNKNOWN_OUTCOME,
                  "two workers vanished with it");
    if (gateway_workers_of(bus->workers, service) == 0)
        waiting_fail(bus, service);
    waiting_place(bus, service);
}

// ---- what workers say

static void worker_send(struct bus_gateway *bus, struct gateway_worker *worker)
{
    if (zmq_socket_send(bus->socket, gateway_worker_peer(worker), buf_str(&bus->frame)))
        return;
    worker->broken = true;
    if (!list_is_linked(&worker->dirty))
        list_append(&bus->dirty, &worker->dirty);
    round_wanted(bus);
}

// A HELLO begins a new life: what an earlier one of this socket, or of this instance, still had is
// lost.
static void worker_hello(struct bus_gateway *bus, struct str peer, const struct bus_hello *hello)
{
    struct gateway_worker *earlier;
    struct bus_welcome welcome = {.instance = bus->options.instance, .build = STR(NEXUS_REVISION)};

    while ((earlier = gateway_workers_find(bus->workers, peer)) ||
           (earlier = gateway_workers_named(bus->workers, hello->instance)))
        worker_lose(bus, earlier, "replaced");
    struct gateway_worker *worker = gateway_workers_add(bus->workers, peer, hello, now_ms(bus));
    if (!worker) {
        LOG_ERROR("bus.too_many_workers", LOG_STR("worker", hello->instance));
        return;
    }
    LOG_INFO("bus.worker_came", LOG_STR("worker", hello->instance), LOG_STR("build", hello->build));
    bus_write_welcome(&bus->frame, &welcome);
    worker_send(bus, worker);
    waiting_place(bus, worker->service);
}

static void worker_drains(struct bus_gateway *bus, struct gateway_worker *worker)
{
    worker->draining = true;
    worker_flush(bus, worker); // what it was promised comes before the answer
    bus_write_bare(&bus->frame, BUS_DRAIN);
    worker_send(bus, worker);
}

static void bells_flush(struct bus_gateway *bus)
{
    if (bus->bells.count == 0)
        return;
    bus_write_bells(&bus->frame, &bus->bells);
    bus->bells.count = 0;
    LIST_EACH (gateway_workers_list(bus->workers), struct gateway_worker, link, worker)
        if (worker->service == SERVICE_SMS && !worker->draining)
            worker_send(bus, worker);
}

static bool frame_take(struct bus_gateway *bus, struct gateway_worker *worker,
                       const struct bus_frame *frame)
{
    switch (frame->type) {
    case BUS_REPLY:
        for (size_t i = 0; i < frame->count; i++)
            reply_take(bus, worker, &frame->items[i].reply);
        waiting_place(bus, worker->service);
        return true;
    case BUS_HEARTBEAT:
        worker->health = frame->heartbeat;
        waiting_place(bus, worker->service); // its database may be back
        return !frame->bare;
    case BUS_DRAIN: worker_drains(bus, worker); return true;
    case BUS_BYE: worker_lose(bus, worker, "bye"); return true;
    case BUS_EVENT:
        for (size_t i = 0; i < frame->count && bus->options.event; i++)
            bus->options.event(bus->options.context, frame->items[i].event.topic,
                               frame->items[i].event.payload);
        return true;
    case BUS_DOORBELL:
        for (size_t i = 0; i < frame->count; i++)
            bus_bells_add(&bus->bells, frame->items[i].destination);
        round_wanted(bus);
        return true;
    case BUS_HELLO:
    case BUS_WELCOME:
    case BUS_REQUEST: return false; // not a worker's to say; HELLO has been taken
    }
    return false;
}

static void peer_offends(struct bus_gateway *bus, struct str peer, struct gateway_worker *worker,
                         const struct err *err)
{
    offenders_note(&bus->offenders, peer, now_ms(bus));
    LOG_WARN("bus.malformed", LOG_ERR(err));
    if (worker)
        worker_lose(bus, worker, "malformed");
    else
        metric_add(metrics_series(bus->options.metrics, METRIC_BUS_PEERS_DROPPED, "malformed"), 1);
}

static void frame_received(void *context, struct str peer, struct str body)
{
    struct bus_gateway *bus = context;
    struct gateway_worker *worker = gateway_workers_find(bus->workers, peer);
    struct bus_frame frame;
    struct err err;

    if (!worker && offenders_banned(&bus->offenders, peer, now_ms(bus)))
        return;
    if (!bus_read(bus->reader, body, &frame, &err)) {
        peer_offends(bus, peer, worker, &err);
        return;
    }
    if (frame.type == BUS_HELLO && !frame.bare) {
        worker_hello(bus, peer, &frame.hello);
    } else if (!worker) {
        // We are new, or gave it up while it was frozen.
        bus_write_bare(&bus->frame, BUS_HELLO);
        (void)!zmq_socket_send(bus->socket, peer, buf_str(&bus->frame));
    } else {
        worker->heard_ms = now_ms(bus);
        if (!frame_take(bus, worker, &frame)) {
            err_set(&err, ERR_BAD_INPUT, "frame: type %d is not for a gateway", (int)frame.type);
            peer_offends(bus, peer, worker, &err);
        }
    }
}

// ---- rounds and ticks

static void refusals_answer(struct bus_gateway *bus)
{
    struct buf refusals = bus->refusals; // the callbacks may add to the next round's

    bus->refusals = (struct buf){0};
    for (size_t at = 0; at < refusals.len; at += sizeof(struct refusal)) {
        struct refusal refusal;
        memcpy(&refusal, refusals.data + at, sizeof refusal);
        refusal.reply(refusal.context, refusal.err.code, str_of(refusal.err.text));
    }
    buf_release(&refusals);
}

static void round_end(uv_prepare_t *prepare)
{
    struct bus_gateway *bus = prepare->data;

    uv_idle_stop(&bus->awake);
    bells_flush(bus);
    while (!list_is_empty(&bus->dirty)) {
        struct gateway_worker *worker = LIST_FIRST(&bus->dirty, struct gateway_worker, dirty);
        list_remove(&worker->dirty);
        worker_flush(bus, worker);
        if (worker->broken)
            worker_lose(bus, worker, "gone");
    }
    refusals_answer(bus);
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
}

static void ticked(uv_timer_t *timer)
{
    struct bus_gateway *bus = timer->data;
    // A gateway that was frozen itself has not listened: it knows nothing of anybody's silence.
    bool frozen = now_ms(bus) - bus->ticked_ms > BUS_SILENCE_MS / 2;

    bus->ticked_ms = now_ms(bus);
    LIST_EACH (gateway_workers_list(bus->workers), struct gateway_worker, link, worker) {
        if (frozen)
            worker->heard_ms = now_ms(bus);
        if (now_ms(bus) - worker->heard_ms > BUS_SILENCE_MS) {
            worker_lose(bus, worker, "silent");
        } else {
            bus_write_bare(&bus->frame, BUS_HEARTBEAT);
            worker_send(bus, worker);
        }
    }
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
    bus->waiting = metrics_series(metrics, METRIC_QUEUE_DEPTH, "calls");
}

static bool endpoints_bind(struct bus_gateway *bus, struct err *err)
{
    AUTO(buf) endpoint = {0};
    struct str rest = bus->options.bind, one;

    while (str_present(rest)) {
        str_cut(rest, ',', &one, &rest);
        one = str_trim(one);
        if (one.len == 0)
            continue;
        buf_clear(&endpoint);
        buf_str_append(&endpoint, one);
        if (!zmq_socket_bind(bus->socket, buf_c_string(&endpoint), err))
            return false;
    }
    return endpoint.len > 0 || err_set(err, ERR_BAD_INPUT, "the bus has no address to bind");
}

// The round's end is started before the socket's handles: libuv runs the latest first, so what
// the socket receives is answered in the same round.
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
    struct bus_gateway *bus = calloc(1, sizeof *bus);
    uint32_t generation;

    if (!bus)
        panic("out of memory");
    // Where generations begin is drawn, so that a reply meant for the gateway before us, under the
    // same name, finds no call of ours.
    random_bytes(&generation, sizeof generation);
    *bus = (struct bus_gateway){.loop = loop,
                                .options = *options,
                                .reader = bus_reader_new(),
                                .calls = calls_new(generation),
                                .workers = gateway_workers_new(),
                                .ticked_ms = (int64_t)uv_now(loop),
                                .deadline_armed_ms = INT64_MAX};
    list_init(&bus->dirty);
    metrics_find(bus);
    handles_start(bus);
    bus->socket =
        zmq_socket_new(loop, zmq,
                       &(struct zmq_socket_options){.kind = ZMQ_SOCKET_ROUTER,
                                                    .high_water_mark = BUS_HIGH_WATER_MARK,
                                                    .curve = options->curve,
                                                    .received = frame_received,
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
    struct call *call;

    if (!gone)
        return;
    *bus = NULL;
    refusals_answer(gone);
    while ((call = calls_expired(gone->calls, INT64_MAX)))
        call_fail(gone, call, ERR_UNKNOWN_OUTCOME, "the gateway is stopping");
    LIST_EACH (gateway_workers_list(gone->workers), struct gateway_worker, link, worker) {
        while (!list_is_empty(&worker->calls)) // abandoned ones
            calls_close(gone->calls, LIST_FIRST(&worker->calls, struct call, link));
        gateway_workers_remove(gone->workers, worker);
    }
    gateway_workers_free(&gone->workers);
    calls_free(&gone->calls);
    bus_reader_free(&gone->reader);
    zmq_socket_free(&gone->socket);
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
        views[count++] = (struct bus_worker_view){.instance = str_of(worker->instance),
                                                  .service = worker->service,
                                                  .db_ready = worker->health.db_ready,
                                                  .cache_ready = worker->health.cache_ready,
                                                  .draining = worker->draining,
                                                  .load = worker->health.load,
                                                  .silent_ms = now_ms(bus) - worker->heard_ms};
    }
    return count;
}

size_t bus_gateway_in_flight(const struct bus_gateway *bus)
{
    return calls_unanswered(bus->calls);
}
