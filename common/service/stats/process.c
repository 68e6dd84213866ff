// process: two timers, one for the lag of the loop and one for all reports.
#include "service/stats/process.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/random.h"
#include "io/zmq/zmq_socket.h"
#include "process/memory.h"
#include "process/watchdog.h"
#include "service/state.h"
#include "service/stats/process_stats.h"
#include "telemetry/log.h"
#include "wire/telemetry/snapshot.h"
#include "wire/telemetry/span_frame.h"

#include <stdlib.h>

enum { PUBLISH_MS = 1000, LAG_MS = 100, FRAMES_WAITING = 8, SETTLED_S = 3 };

struct process {
    struct service *service;
    struct snapshot_head head;
    struct zmq_socket *socket; // NULL: not sent
    struct buf snapshot;
    uv_timer_t publish, lag;
    uv_check_t round;
    unsigned handles_open, seconds;
    int64_t lag_due_us;
    struct process_stats *stats;
};

static void snapshot_send(struct process *process)
{
    if (!process->socket)
        return;
    buf_clear(&process->snapshot);
    snapshot_encode(&process->head, process->service->metrics, &process->snapshot);
    // If it is not sent, the next one contains the same values.
    (void)!zmq_socket_send(process->socket, STR_ABSENT, buf_str(&process->snapshot));
}

// Sent beside the snapshot, as a frame of another kind (wire/telemetry/span_frame.h). If it is not
// sent, the spans are lost and counted.
static void spans_send(struct process *process)
{
    struct spans *spans = process->service->spans;
    struct metrics *metrics = process->service->metrics;
    struct metric *full = metrics_series(metrics, METRIC_SPANS_DROPPED, "ring"),
                  *unsent = metrics_series(metrics, METRIC_SPANS_DROPPED, "socket");
    AUTO(buf) frame = {0};

    if (!spans)
        return;
    metric_set_total(full, (double)spans_dropped(spans));
    if (spans_count(spans) == 0)
        return;
    span_frame_encode(process->head.role, process->head.slot, spans, &frame);
    if (!process->socket || !zmq_socket_send(process->socket, STR_ABSENT, buf_str(&frame)))
        metric_add(unsent, spans_count(spans));
    spans_clear(spans);
}

static void publish(uv_timer_t *timer)
{
    struct process *process = timer->data;

    watchdog_feed();
    log_look();
    SERVICE_PARTS (process->service, part)
        if (part->publish)
            part->publish(process->service);
    if (process->service->def->publish)
        process->service->def->publish(process->service);
    spans_send(process);
    process_stats_publish(process->stats);
    service_health_look(process->service);
    snapshot_send(process);
    // Library pages that were needed in the first seconds are not needed again.
    if (++process->seconds == SETTLED_S)
        memory_give_back();
}

static void lag_measure(uv_timer_t *timer)
{
    struct process *process = timer->data;

    process_stats_note_lateness(process->stats, clock_monotonic_us() - process->lag_due_us);
    process->lag_due_us = clock_monotonic_us() + LAG_MS * 1000;
}

static void round_over(uv_check_t *check)
{
    (void)check;
    log_flush();
}

static void handles_start(struct process *process)
{
    uv_loop_t *loop = &process->service->loop;

    uv_timer_init(loop, &process->publish);
    uv_timer_init(loop, &process->lag);
    uv_check_init(loop, &process->round);
    process->publish.data = process->lag.data = process->round.data = process;
    process->handles_open = 3;
    process->lag_due_us = clock_monotonic_us() + LAG_MS * 1000;
    uv_timer_start(&process->publish, publish, 0, PUBLISH_MS);
    uv_timer_start(&process->lag, lag_measure, LAG_MS, LAG_MS);
    uv_check_start(&process->round, round_over);
    watchdog_start();
}

static void nothing_received(void *context, struct str peer, struct str body)
{
    (void)context; // a PUSH socket only sends
    (void)peer;
    (void)body;
}

static bool snapshots_connect(struct process *process, struct err *err)
{
    struct service *service = process->service;
    AUTO(buf) endpoint = {0};

    buf_str_append(&endpoint, service->settings.skeleton.metrics_push);
    if (endpoint.len == 0)
        return true;
    process->socket =
        zmq_socket_new(&service->loop, service->zmq,
                       &(struct zmq_socket_options){.kind = ZMQ_SOCKET_PUSH,
                                                    .high_water_mark = FRAMES_WAITING,
                                                    .curve = service_metrics_curve(service),
                                                    .received = nothing_received});
    return zmq_socket_connect(process->socket, buf_c_string(&endpoint), err) ||
           err_in(err, "NEXUS_METRICS_PUSH");
}

struct process *process_new(struct service *service, struct err *err)
{
    struct process *process = heap_new(sizeof *process);
    *process = (struct process){.service = service,
                                .head = {.role = str_of(service->def->name),
                                         .slot = str_of(service->settings.slot),
                                         .started_ms = (uint64_t)(clock_unix_us() / 1000)}};
    random_bytes(&process->head.incarnation, sizeof process->head.incarnation);
    process->stats = process_stats_new(service, process->head.role.ptr, process->head.slot.ptr,
                                       (int64_t)process->head.started_ms);
    handles_start(process);
    if (!snapshots_connect(process, err))
        process_free(&process);
    return process;
}

static void handle_closed(uv_handle_t *handle)
{
    struct process *process = handle->data;

    if (--process->handles_open == 0)
        free(process);
}

void process_free(struct process **process)
{
    struct process *gone = *process;

    if (!gone)
        return;
    *process = NULL;
    watchdog_stop();
    spans_send(gone);
    gone->head.is_last = true;
    process_stats_publish(gone->stats);
    snapshot_send(gone);
    process_stats_free(&gone->stats);
    zmq_socket_free(&gone->socket);
    buf_release(&gone->snapshot);
    uv_close((uv_handle_t *)&gone->publish, handle_closed);
    uv_close((uv_handle_t *)&gone->lag, handle_closed);
    uv_close((uv_handle_t *)&gone->round, handle_closed);
}
