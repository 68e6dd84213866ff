// process_stats: see the header.
#include "service/stats/process_stats.h"

#include "base/heap.h"
#include "base/revision.h"
#include "process/proc.h"
#include "service/state.h"
#include "telemetry/log.h"

#include <gnu/libc-version.h>
#include <malloc.h>
#include <stdlib.h>

enum { WINDOW_S = 15, HANDLES = PROC_DESCRIPTORS + 1, TIMERS = PROC_DESCRIPTORS };

static const char *const handle_names[HANDLES] = {
    [PROC_SERVER] = "Server", [PROC_SOCKET] = "Socket", [PROC_PIPE] = "Pipe",
    [PROC_FILE] = "File",     [PROC_OTHER] = "Other",   [TIMERS] = "Timer"};

static const char *const request_names[SERVICE_INFLIGHT_COUNT] = {
    [SERVICE_EXCHANGES] = "HTTPReq", [SERVICE_STATEMENTS] = "PGQuery",
    [SERVICE_COMMANDS] = "RedisCmd", [SERVICE_TRANSFERS] = "CurlXfer",
    [SERVICE_REQUESTS] = "ZMQReq",   [SERVICE_LOOP] = "LoopReq"};

// Where malloc's memory lies: in its arenas, or as a large block mapped for itself.
enum heap_space { HEAP_ARENA, HEAP_MMAP, HEAP_SPACES };
static const char *const space_names[HEAP_SPACES] = {[HEAP_ARENA] = "arena", [HEAP_MMAP] = "mmap"};

struct process_stats {
    struct service *service;
    unsigned second;                 // in the window
    int64_t worst_late_us[WINDOW_S]; // of each second
    struct {
        struct metric *resident, *cpu, *descriptors, *lag; // of this one process
        struct metric *memory, *virtual, *heap, *all_descriptors;
        struct metric *user, *user_iwd, *system, *user_and_system;
        struct metric *lags, *worst_lag, *worst_lag_iwd, *log_dropped;
        struct metric *handles[HANDLES], *all_handles;
        struct metric *requests[SERVICE_INFLIGHT_COUNT], *all_requests;
        struct metric *node_heap, *node_heap_used;
        struct metric *space[HEAP_SPACES], *space_used[HEAP_SPACES], *space_free[HEAP_SPACES];
    } series;
};

static void process_series_find(struct process_stats *stats, const char *role, const char *slot)
{
    struct metrics *metrics = stats->service->metrics;

    stats->series.resident = metrics_series(metrics, METRIC_PROC_RSS, role, slot);
    stats->series.cpu = metrics_series(metrics, METRIC_PROC_CPU, role, slot);
    stats->series.descriptors = metrics_series(metrics, METRIC_PROC_FDS, role, slot);
    stats->series.lag = metrics_series(metrics, METRIC_PROC_LAG, role, slot);
    stats->series.lags = metrics_series(metrics, METRIC_LOOP_LAG, role);
    stats->series.log_dropped = metrics_series(metrics, METRIC_LOG_DROPPED);
    stats->series.memory = metrics_series(metrics, METRIC_PROCESS_MEMORY);
    stats->series.virtual = metrics_series(metrics, METRIC_PROCESS_VIRTUAL);
    stats->series.heap = metrics_series(metrics, METRIC_PROCESS_HEAP);
    stats->series.all_descriptors = metrics_series(metrics, METRIC_PROCESS_FDS);
    stats->series.user = metrics_series(metrics, METRIC_PROCESS_CPU_USER);
    stats->series.user_iwd = metrics_series(metrics, METRIC_PROCESS_CPU_USER_IWD);
    stats->series.system = metrics_series(metrics, METRIC_PROCESS_CPU_SYSTEM);
    stats->series.user_and_system = metrics_series(metrics, METRIC_PROCESS_CPU);
}

static void runtime_series_find(struct process_stats *stats)
{
    struct metrics *metrics = stats->service->metrics;

    stats->series.worst_lag = metrics_series(metrics, METRIC_NODE_LAG);
    stats->series.worst_lag_iwd = metrics_series(metrics, METRIC_NODE_LAG_IWD);
    stats->series.all_handles = metrics_series(metrics, METRIC_NODE_HANDLES_TOTAL);
    stats->series.all_requests = metrics_series(metrics, METRIC_NODE_REQUESTS_TOTAL);
    stats->series.node_heap = metrics_series(metrics, METRIC_NODE_HEAP);
    stats->series.node_heap_used = metrics_series(metrics, METRIC_NODE_HEAP_USED);
    for (size_t i = 0; i < HANDLES; i++)
        stats->series.handles[i] = metrics_series(metrics, METRIC_NODE_HANDLES, handle_names[i]);
    for (size_t i = 0; i < SERVICE_INFLIGHT_COUNT; i++)
        stats->series.requests[i] = metrics_series(metrics, METRIC_NODE_REQUESTS, request_names[i]);
    for (size_t i = 0; i < HEAP_SPACES; i++) {
        stats->series.space[i] = metrics_series(metrics, METRIC_NODE_SPACE, space_names[i]);
        stats->series.space_used[i] =
            metrics_series(metrics, METRIC_NODE_SPACE_USED, space_names[i]);
        stats->series.space_free[i] =
            metrics_series(metrics, METRIC_NODE_SPACE_AVAILABLE, space_names[i]);
    }
}

// What stays as it is while the process runs.
static void constants_publish(struct process_stats *stats, const char *role, const char *slot,
                              double start_s)
{
    struct metrics *metrics = stats->service->metrics;

    metric_set(metrics_series(metrics, METRIC_PROC_START, role, slot), start_s);
    metric_set(metrics_series(metrics, METRIC_PROCESS_START), proc_supervised_since_s(start_s));
    metric_set(metrics_series(metrics, METRIC_PROCESS_MAX_FDS), proc_descriptors_limit());
    metric_set(metrics_series(metrics, METRIC_NODE_EXTERNAL), 0);
    metric_set(metrics_series(metrics, METRIC_NODE_VERSION, "v" NEXUS_VERSION, NEXUS_VERSION_MAJOR,
                              NEXUS_VERSION_MINOR, NEXUS_VERSION_PATCH),
               1);
    metric_set(metrics_series(metrics, METRIC_BUILD_INFO, NEXUS_VERSION, revision, NEXUS_COMPILER,
                              gnu_get_libc_version(), NEXUS_H2O_VERSION, NEXUS_ZMQ_VERSION,
                              NEXUS_PQ_VERSION, NEXUS_CURL_VERSION, NEXUS_SSL_VERSION),
               1);
}

struct process_stats *process_stats_new(struct service *service, const char *role, const char *slot,
                                        int64_t start_ms)
{
    struct process_stats *stats = heap_new(sizeof *stats);
    stats->service = service;
    process_series_find(stats, role, slot);
    runtime_series_find(stats);
    constants_publish(stats, role, slot, (double)start_ms / 1000);
    return stats;
}

void process_stats_free(struct process_stats **stats)
{
    free(*stats);
    *stats = NULL;
}

static void timer_count(uv_handle_t *handle, void *count)
{
    if (handle->type == UV_TIMER && uv_is_active(handle))
        ++*(size_t *)count;
}

static void descriptors_publish(struct process_stats *stats)
{
    size_t counts[HANDLES] = {0}, descriptors = 0, all = 0;

    proc_descriptors(counts);
    uv_walk(&stats->service->loop, timer_count, &counts[TIMERS]);
    for (size_t i = 0; i < HANDLES; i++) {
        metric_set(stats->series.handles[i], (double)counts[i]);
        all += counts[i];
        descriptors += i == TIMERS ? 0 : counts[i];
    }
    metric_set(stats->series.all_handles, (double)all);
    metric_set(stats->series.descriptors, (double)descriptors);
    metric_set(stats->series.all_descriptors, (double)descriptors);
}

// Once in a while: mallinfo2() looks at every free block, under the lock of its arena.
static void heap_publish(struct process_stats *stats)
{
    struct mallinfo2 heap = mallinfo2();
    const size_t total[HEAP_SPACES] = {[HEAP_ARENA] = heap.arena, [HEAP_MMAP] = heap.hblkhd};
    const size_t unused[HEAP_SPACES] = {[HEAP_ARENA] = heap.fordblks};

    for (size_t i = 0; i < HEAP_SPACES; i++) {
        metric_set(stats->series.space[i], (double)total[i]);
        metric_set(stats->series.space_used[i], (double)(total[i] - unused[i]));
        metric_set(stats->series.space_free[i], (double)unused[i]);
    }
    metric_set(stats->series.heap, (double)(heap.arena + heap.hblkhd));
    metric_set(stats->series.node_heap, (double)(heap.arena + heap.hblkhd));
    metric_set(stats->series.node_heap_used, (double)(heap.arena + heap.hblkhd - heap.fordblks));
}

static void usage_publish(struct process_stats *stats)
{
    struct proc_usage usage = proc_usage();

    metric_set(stats->series.resident, usage.resident_bytes);
    metric_set(stats->series.virtual, usage.virtual_bytes);
    metric_set_total(stats->series.cpu, usage.user_s + usage.system_s);
    metric_set_total(stats->series.user, usage.user_s);
    metric_set_total(stats->series.user_iwd, usage.user_s);
    metric_set_total(stats->series.system, usage.system_s);
    metric_set_total(stats->series.user_and_system, usage.user_s + usage.system_s);
    metric_set_total(stats->series.log_dropped, (double)log_dropped());
}

static void requests_publish(struct process_stats *stats)
{
    size_t *inflight = stats->service->inflight, all = 0;

    inflight[SERVICE_LOOP] = stats->service->loop.active_reqs.count;
    for (size_t i = 0; i < SERVICE_INFLIGHT_COUNT; i++) {
        metric_set(stats->series.requests[i], (double)inflight[i]);
        all += inflight[i];
    }
    metric_set(stats->series.all_requests, (double)all);
}

static void lag_publish(struct process_stats *stats)
{
    int64_t worst_us = 0;

    for (size_t i = 0; i < WINDOW_S; i++)
        worst_us = stats->worst_late_us[i] > worst_us ? stats->worst_late_us[i] : worst_us;
    metric_set(stats->series.lag, (double)worst_us / 1e6);
    metric_set(stats->series.worst_lag, (double)worst_us / 1e6);
    metric_set(stats->series.worst_lag_iwd, (double)worst_us / 1e6);
}

void process_stats_note_lateness(struct process_stats *stats, int64_t late_us)
{
    int64_t *worst_us = &stats->worst_late_us[stats->second];

    late_us = late_us > 0 ? late_us : 0;
    metric_observe(stats->series.lags, (double)late_us / 1e6);
    *worst_us = late_us > *worst_us ? late_us : *worst_us;
}

void process_stats_publish(struct process_stats *stats)
{
    usage_publish(stats);
    requests_publish(stats);
    lag_publish(stats);
    if (stats->second == 0) {
        descriptors_publish(stats);
        heap_publish(stats);
        metric_set(stats->series.memory, proc_proportional_bytes());
    }
    stats->second = (stats->second + 1) % WINDOW_S;
    stats->worst_late_us[stats->second] = 0;
}
