// gateway_calls: the path of a call is bus_gateway_call() → call_place() → gateway_flush() (the
// frame leaves at the end of the round) → gateway_take_reply(), or one of gateway_lose() and
// call_expire(). Nothing is answered inside bus_gateway_call(): what is refused waits for the end
// of the round.
#include "base/panic.h"
#include "bus/gateway/gateway_state.h"
#include "telemetry/log.h"

// A call that was refused at once.
struct bus_refusal {
    bus_reply_fn *reply;
    void *context;
    struct err err;
};

// ---- a call goes out, or is refused

static void call_refuse(struct bus_gateway *bus, bus_reply_fn *reply, void *context,
                        const struct err *err)
{
    struct bus_refusal refusal = {.reply = reply, .context = context, .err = *err};

    buf_append(&bus->refusals, &refusal, sizeof refusal);
    gateway_want_round(bus);
}

void gateway_answer_refusals(struct bus_gateway *bus)
{
    struct buf refusals = bus->refusals; // the callbacks may add to the next round's

    bus->refusals = (struct buf){0};
    for (size_t at = 0; at < refusals.len; at += sizeof(struct bus_refusal)) {
        struct bus_refusal refusal;
        memcpy(&refusal, refusals.data + at, sizeof refusal);
        refusal.reply(refusal.context, refusal.err.code, str_of(refusal.err.text));
    }
    buf_release(&refusals);
}

// The timer is only moved to an earlier time. If it fires too early, it is set again.
static void deadline_arm(struct bus_gateway *bus)
{
    int64_t first_ms;

    if (!calls_first_deadline(bus->calls, &first_ms) || first_ms >= bus->deadline_armed_ms)
        return;
    bus->deadline_armed_ms = first_ms;
    int64_t wait_ms = first_ms > gateway_now_ms(bus) ? first_ms - gateway_now_ms(bus) : 0;
    uv_timer_start(&bus->deadline, gateway_deadline_passed, (uint64_t)wait_ms, 0);
}

void gateway_flush(struct bus_gateway *bus, struct gateway_worker *worker)
{
    if (worker->requests.count == 0 || worker->broken)
        return;
    bus_list_frame(&worker->requests, BUS_REQUEST, &bus->frame);
    if (zmq_socket_send(bus->socket, gateway_worker_peer(worker), buf_str(&bus->frame)))
        bus_list_clear(&worker->requests);
    else
        worker->broken = true; // EHOSTUNREACH: it is gone; removed at the end of the round
}

static bool call_place(struct bus_gateway *bus, struct bus_call *call)
{
    struct gateway_worker *worker = gateway_workers_place(bus->workers, call);

    if (!worker)
        return false;
    calls_out(bus->calls, call, worker, &worker->calls);
    worker->call_count++;
    if (!bus_list_has_room(&worker->requests, call_bytes(call)))
        gateway_flush(bus, worker);
    int64_t left_ms = call->deadline_ms - gateway_now_ms(bus);
    call->envelope.deadline_ms = left_ms > 0 ? (uint32_t)left_ms : 0;
    bus_list_request(&worker->requests, &call->envelope, call->payload);
    if (!list_is_linked(&worker->dirty))
        list_append(&bus->dirty, &worker->dirty);
    gateway_want_round(bus);
    return true;
}

// NULL: refused, err says why.
static struct bus_call *call_take(struct bus_gateway *bus, const struct message_type *type,
                                  const struct envelope *envelope, struct str payload,
                                  struct err *err)
{
    struct str service = service_name(type->service);
    struct bus_call *call;

    // The workers of a new gateway may be on their way, or some came and left again.
    if (gateway_workers_of(bus->workers, type->service) == 0 && bus->patience == 0) {
        err_set(err, ERR_UNAVAILABLE, "no %.*s is connected", STR_ARG(service));
        return NULL;
    }
    if (payload.len > type->limit) {
        err_set(err, ERR_TOO_LARGE, "too large for %.*s", STR_ARG(type->name));
        return NULL;
    }
    call = calls_open(bus->calls, type->service, envelope, payload, gateway_now_ms(bus));
    if (!call) {
        err_set(err, ERR_BUSY, "too many requests are waiting for %.*s", STR_ARG(service));
        return NULL;
    }
    struct turn_window window = gateway_workers_window(bus->workers, type->service);
    if ((calls_may_go(bus->calls, call, window) && call_place(bus, call)) ||
        calls_wait(bus->calls, call, err))
        return call;
    calls_close(bus->calls, call);
    if (err->code == ERR_RATE_LIMITED)
        metric_add(bus->over_share, 1);
    return NULL;
}

void bus_gateway_call(struct bus_gateway *bus, struct envelope *envelope, struct str payload,
                      bus_reply_fn *reply, void *context)
{
    const struct message_type *type = message_type(envelope->message);
    struct err err;

    ASSERT(type);
    if (bus->options.deadline_factor > 0)
        envelope->deadline_ms *= bus->options.deadline_factor;
    struct bus_call *call = call_take(bus, type, envelope, payload, &err);
    if (!call) {
        call_refuse(bus, reply, context, &err);
        return;
    }
    envelope->request = call->request;
    call->reply = reply;
    call->context = context;
    deadline_arm(bus);
}

void gateway_place_waiting(struct bus_gateway *bus, enum service_id service)
{
    struct bus_call *call;

    while (
        (call = calls_next(bus->calls, service, gateway_workers_window(bus->workers, service))) &&
        call_place(bus, call))
        ;
}

// ---- a call is answered

// The slot is free before the callback runs, which may well call again.
static void call_answer(struct bus_gateway *bus, struct bus_call *call, enum err_code code,
                        struct str payload)
{
    bus_reply_fn *reply = call->reply;
    void *context = call->context;

    calls_close(bus->calls, call);
    reply(context, code, payload);
}

static void call_fail(struct bus_gateway *bus, struct bus_call *call, enum err_code code,
                      const char *why)
{
    call_answer(bus, call, code, str_of(why));
}

static void worker_give_back(struct gateway_worker *worker, const struct bus_call *call)
{
    credit_return(&worker->credit, call_bytes(call));
    worker->call_count--;
}

void gateway_take_reply(struct bus_gateway *bus, struct gateway_worker *worker,
                        const struct bus_reply *reply)
{
    struct bus_call *call = calls_find(bus->calls, reply->request);

    // Unknown, or sent to another worker since: the client has its answer or will get it. So only
    // the worker that received the call last can answer it.
    if (!call || call->worker != worker)
        return;
    worker_give_back(worker, call);
    if (call->state == CALL_ABANDONED)
        calls_close(bus->calls, call);
    else
        call_answer(bus, call, reply->code, reply->payload);
}

static void call_expire(struct bus_gateway *bus, struct bus_call *call)
{
    if (call->state == CALL_OUT) {
        // The worker still has it, so its slot and its credit stay taken until it answers.
        calls_abandon(bus->calls, call, gateway_now_ms(bus));
        call->reply(call->context, ERR_DEADLINE, STR("no answer in time"));
    } else if (call->state == CALL_ABANDONED) {
        worker_give_back(call->worker, call);
        calls_close(bus->calls, call);
    } else if (call->losses > 0) {
        call_fail(bus, call, ERR_UNKNOWN_OUTCOME, "the worker that had this request is gone");
    } else if (gateway_workers_of(bus->workers, call->service) == 0) {
        call_fail(bus, call, ERR_UNAVAILABLE,
                  "no worker is connected"); // it waited for one to come
    } else {
        call_fail(bus, call, ERR_BUSY, "all workers are busy");
    }
}

void gateway_deadline_passed(uv_timer_t *timer)
{
    struct bus_gateway *bus = timer->data;
    struct bus_call *call;

    bus->deadline_armed_ms = INT64_MAX;
    while ((call = calls_expired(bus->calls, gateway_now_ms(bus))))
        call_expire(bus, call);
    deadline_arm(bus);
}

// ---- a worker is lost

void gateway_fail_waiting(struct bus_gateway *bus, enum service_id service, const char *why)
{
    struct bus_call *call;

    // A lost call waits for another worker: only the database knows whether it was executed.
    while ((call = calls_first_fresh(bus->calls, service)))
        call_fail(bus, call, ERR_UNAVAILABLE, why);
}

static void call_lose(struct bus_gateway *bus, struct bus_call *call, bool was_sent,
                      struct list *lost_again)
{
    if (call->state == CALL_ABANDONED) {
        calls_close(bus->calls, call);
    } else if (!was_sent) {
        calls_wait_again(bus->calls, call); // the worker never had it
    } else if (++call->losses > 1) {
        list_remove(&call->link);
        list_append(lost_again, &call->link);
    } else {
        metric_add(bus->of_service[call->service].resent, 1);
        calls_wait_again(bus->calls, call);
    }
}

void gateway_lose(struct bus_gateway *bus, struct gateway_worker *worker, const char *reason)
{
    enum service_id service = worker->service;
    uint32_t unsent = worker->requests.count; // the newest calls
    struct list lost_again;

    LOG_WARN("bus.worker_lost", LOG_STR("worker", str_of(worker->instance)),
             LOG_STR("reason", str_of(reason)), LOG_INT("out", worker->call_count));
    list_init(&lost_again);
    // From the newest to the oldest, each to the front of the queue, which keeps their order.
    while (!list_is_empty(&worker->calls)) {
        call_lose(bus, CONTAINER_OF(worker->calls.previous, struct bus_call, link), unsent == 0,
                  &lost_again);
        unsent -= unsent > 0;
    }
    gateway_workers_remove(bus->workers, worker);
    metric_add(metrics_series(bus->options.metrics, METRIC_BUS_PEERS_DROPPED, reason), 1);

    while (!list_is_empty(&lost_again))
        call_fail(bus, LIST_FIRST(&lost_again, struct bus_call, link), ERR_UNKNOWN_OUTCOME,
                  "two workers died while they had this request");
    if (gateway_workers_of(bus->workers, service) == 0 && bus->patience == 0)
        gateway_fail_waiting(bus, service, "its last worker is gone");
    gateway_place_waiting(bus, service);
}

// ---- the end

void gateway_fail_all(struct bus_gateway *bus)
{
    struct bus_call *call;

    gateway_answer_refusals(bus);
    while ((call = calls_expired(bus->calls, INT64_MAX))) {
        if (call->state == CALL_ABANDONED)
            calls_close(bus->calls, call);
        else
            call_fail(bus, call, ERR_UNKNOWN_OUTCOME, "the gateway is stopping");
    }
}
