// self: see the header.
#include "service/self.h"

#include "base/log.h"
#include "base/panic.h"
#include "service/heap.h"
#include "service/proc.h"
#include "service/state.h"

#include <gnu/libc-version.h>
#include <stdlib.h>

enum { WINDOW_S = 15, HANDLES = PROC_DESCRIPTORS + 1, TIMERS = PROC_DESCRIPTORS };

static const char *const handle_names[HANDLES] = {
    [PROC_SERVER] = "Server", [PROC_SOCKET] = "Socket", [PROC_PIPE] = "Pipe",
    [PROC_FILE] = "File",     [PROC_OTHER] = "Other",   [TIMERS] = "Timer"};

static const char *const request_names[SERVICE_UNDER_WAY] = {
    [SERVICE_EXCHANGES] = "HTTPReq", [SERVICE_STATEMENTS] = "PGQuery",
    [SERVICE_COMMANDS] = "RedisCmd", [SERVICE_TRANSFERS] = "CurlXfer",
    [SERVICE_REQUESTS] = "ZMQReq",   [SERVICE_LOOP] = "LoopReq"};

static const char *const space_names[HEAP_SPACES] = {
    [HEAP_MAIN] = "main", [HEAP_THREAD] = "thread", [HEAP_MMAP] = "mmap"};

struct self {
    struct service *service;
    unsigned second;                 // in the window
    int64_t worst_late_us[WINDOW_S]; // of each second
    struct {
        struct metric *resident, *cpu, *descriptors, *lag; // of this one process
        struct metric *memory, *virtual, *heap, *all_descriptors;
        struct metric *user, *user_iwd, *system, *user_and_system;
        struct metric *lags, *worst_lag, *worst_lag_iwd, *log_dropped;
        struct metric *handles[HANDLES], *all_handles;
        struct metric *requests[SERVICE_UNDER_WAY], *all_requests;
        struct metric *node_heap, *node_heap_used;
        struct metric *space[HEAP_SPACES], *space_used[HEAP_SPACES], *space_free[HEAP_SPACES];
    } series;
};

static void process_series_find(struct self *self, const char *role, const char *slot)
{
    struct metrics *metrics = self->service->metrics;

    self->series.resident = metrics_series(metrics, METRIC_PROC_RSS, role, slot);
    self->series.cpu = metrics_series(metrics, METRIC_PROC_CPU, role, slot);
    self->series.descriptors = metrics_series(metrics, METRIC_PROC_FDS, role, slot);
    self->series.lag = metrics_series(metrics, METRIC_PROC_LAG, role, slot);
    self->series.lags = metrics_series(metrics, METRIC_LOOP_LAG, role);
    self->series.log_dropped = metrics_series(metrics, METRIC_LOG_DROPPED);
    self->series.memory = metrics_series(metrics, METRIC_PROCESS_MEMORY);
    self->series.virtual = metrics_series(metrics, METRIC_PROCESS_VIRTUAL);
    self->series.heap = metrics_series(metrics, METRIC_PROCESS_HEAP);
    self->series.all_descriptors = metrics_series(metrics, METRIC_PROCESS_FDS);
    self->series.user = metrics_series(metrics, METRIC_PROCESS_CPU_USER);
    self->series.user_iwd = metrics_series(metrics, METRIC_PROCESS_CPU_USER_IWD);
    self->series.system = metrics_series(metrics, METRIC_PROCESS_CPU_SYSTEM);
    self->series.user_and_system = metrics_series(metrics, METRIC_PROCESS_CPU);
}

static void runtime_series_find(struct self *self)
{
    struct metrics *metrics = self->service->metrics;

    self->series.worst_lag = metrics_series(metrics, METRIC_NODE_LAG);
    self->series.worst_lag_iwd = metrics_series(metrics, METRIC_NODE_LAG_IWD);
    self->series.all_handles = metrics_series(metrics, METRIC_NODE_HANDLES_TOTAL);
    self->series.all_requests = metrics_series(metrics, METRIC_NODE_REQUESTS_TOTAL);
    self->series.node_heap = metrics_series(metrics, METRIC_NODE_HEAP);
    self->series.node_heap_used = metrics_series(metrics, METRIC_NODE_HEAP_USED);
    for (size_t i = 0; i < HANDLES; i++)
        self->series.handles[i] = metrics_series(metrics, METRIC_NODE_HANDLES, handle_names[i]);
    for (size_t i = 0; i < SERVICE_UNDER_WAY; i++)
        self->series.requests[i] = metrics_series(metrics, METRIC_NODE_REQUESTS, request_names[i]);
    for (size_t i = 0; i < HEAP_SPACES; i++) {
        self->series.space[i] = metrics_series(metrics, METRIC_NODE_SPACE, space_names[i]);
        self->series.space_used[i] =
            metrics_series(metrics, METRIC_NODE_SPACE_USED, space_names[i]);
        self->series.space_free[i] =
            metrics_series(metrics, METRIC_NODE_SPACE_AVAILABLE, space_names[i]);
    }
}

// What stays as it is while the process runs.
static void constants_tell(struct self *self, const char *role, const char *slot, double start_s)
{
    struct metrics *metrics = self->service->metrics;

    metric_set(metrics_series(metrics, METRIC_PROC_START, role, slot), start_s);
    metric_set(metrics_series(metrics, METRIC_PROCESS_START), proc_supervised_since_s(start_s));
    metric_set(metrics_series(metrics, METRIC_PROCESS_MAX_FDS), proc_descriptors_limit());
    metric_set(metrics_series(metrics, METRIC_NODE_EXTERNAL), 0);
    metric_set(metrics_series(metrics, METRIC_NODE_VERSION, "v" NEXUS_VERSION, NEXUS_VERSION_MAJOR,
                              NEXUS_VERSION_MINOR, NEXUS_VERSION_PATCH),
               1);
    metric_set(metrics_series(metrics, METRIC_BUILD_INFO, NEXUS_VERSION, NEXUS_REVISION,
                              NEXUS_COMPILER, gnu_get_libc_version(), NEXUS_H2O_VERSION,
                              NEXUS_ZMQ_VERSION, NEXUS_PQ_VERSION, NEXUS_CURL_VERSION,
                              NEXUS_SSL_VERSION),
               1);
}

struct self *self_new(struct service *service, const char *role, const char *slot, int64_t start_ms)
{
    struct self *self = calloc(1, sizeof *self);

    if (!self)
        panic("out of memory");
    self->service = service;
    process_series_find(self, role, slot);
    runtime_series_find(self);
    constants_tell(self, role, slot, (double)start_ms / 1000);
    return self;
}

void self_free(struct self **self)
{
    free(*self);
    *self = NULL;
}

static void timer_count(uv_handle_t *handle, void *count)
{
    if (handle->type == UV_TIMER && uv_is_active(handle))
        ++*(size_t *)count;
}

static void descriptors_tell(struct self *self)
{
    size_t counts[HANDLES] = {0}, descriptors = 0, all = 0;

    proc_descriptors(counts);
    uv_walk(&self->service->loop, timer_count, &counts[TIMERS]);
    for (size_t i = 0; i < HANDLES; i++) {
        metric_set(self->series.handles[i], (double)counts[i]);
        all += counts[i];
        descriptors += i == TIMERS ? 0 : counts[i];
    }
    metric_set(self->series.all_handles, (double)all);
    metric_set(self->series.descriptors, (double)descriptors);
    metric_set(self->series.all_descriptors, (double)descriptors);
}

static void heap_tell(struct self *self)
{
    struct heap heap = heap_read();
    double total = 0, unused = 0;

    for (size_t i = 0; i < HEAP_SPACES; i++) {
        double total_bytes = heap.spaces[i].total_bytes, free_bytes = heap.spaces[i].free_bytes;
        metric_set(self->series.space[i], total_bytes);
        metric_set(self->series.space_used[i], total_bytes - free_bytes);
        metric_set(self->series.space_free[i], free_bytes);
        total += total_bytes;
        unused += free_bytes;
    }
    metric_set(self->series.heap, total);
    metric_set(self->series.node_heap, total);
    metric_set(self->series.node_heap_used, total - unused);
}

static void usage_tell(struct self *self)
{
    struct proc_usage usage = proc_usage();

    metric_set(self->series.resident, usage.resident_bytes);
    metric_set(self->series.virtual, usage.virtual_bytes);
    metric_set_total(self->series.cpu, usage.user_s + usage.system_s);
    metric_set_total(self->series.user, usage.user_s);
    metric_set_total(self->series.user_iwd, usage.user_s);
    metric_set_total(self->series.system, usage.system_s);
    metric_set_total(self->series.user_and_system, usage.user_s + usage.system_s);
    metric_set_total(self->series.log_dropped, (double)log_dropped());
}

static void requests_tell(struct self *self)
{
    size_t *under_way = self->service->under_way, all = 0;

    under_way[SERVICE_LOOP] = self->service->loop.active_reqs.count;
    for (size_t i = 0; i < SERVICE_UNDER_WAY; i++) {
        metric_set(self->series.requests[i], (double)under_way[i]);
        all += under_way[i];
    }
    metric_set(self->series.all_requests, (double)all);
}

static void lag_tell(struct self *self)
{
    int64_t worst_us = 0;

    for (size_t i = 0; i < WINDOW_S; i++)
        worst_us = self->worst_late_us[i] > worst_us ? self->worst_late_us[i] : worst_us;
    metric_set(self->series.lag, (double)worst_us / 1e6);
    metric_set(self->series.worst_lag, (double)worst_us / 1e6);
    metric_set(self->series.worst_lag_iwd, (double)worst_us / 1e6);
}

void self_late(struct self *self, int64_t late_us)
{
    int64_t *worst_us = &self->worst_late_us[self->second];

    late_us = late_us > 0 ? late_us : 0;
    metric_observe(self->series.lags, (double)late_us / 1e6);
    *worst_us = late_us > *worst_us ? late_us : *worst_us;
}

void self_tell(struct self *self)
{
    usage_tell(self);
    requests_tell(self);
    lag_tell(self);
    if (self->second == 0) {
        descriptors_tell(self);
        heap_tell(self);
        metric_set(self->series.memory, proc_proportional_bytes());
    }
    self->second = (self->second + 1) % WINDOW_S;
    self->worst_late_us[self->second] = 0;
}
