// gateway_workers: a list to visit them, a map for the frames that come in.
#include "bus/gateway/gateway_workers.h"

#include "base/heap.h"
#include "base/map.h"
#include "base/panic.h"
#include "bus/gateway/placement.h"

#include <stdlib.h>

struct gateway_workers {
    struct list all;
    struct map *by_peer;
    size_t by_service[SERVICE_COUNT];
    struct turn_window windows[SERVICE_COUNT];
};

struct gateway_workers *gateway_workers_new(void)
{
    struct gateway_workers *workers = heap_new(sizeof *workers);
    list_init(&workers->all);
    workers->by_peer = map_new();
    return workers;
}

void gateway_workers_free(struct gateway_workers **workers)
{
    if (!*workers)
        return;
    ASSERT(list_is_empty(&(*workers)->all));
    map_free(&(*workers)->by_peer);
    free(*workers);
    *workers = NULL;
}

// The same for one incarnation at every gateway, so that all place a key on the same worker.
static uint64_t worker_hash(const struct bus_hello *hello)
{
    static const uint8_t key[16] = "bus placement";
    return siphash(key, hello->instance) ^ hello->incarnation;
}

struct gateway_worker *gateway_workers_add(struct gateway_workers *workers, struct str peer,
                                           const struct bus_hello *hello, int64_t now_ms)
{
    if (map_count(workers->by_peer) == WORKERS_LIMIT)
        return NULL;
    struct gateway_worker *worker = heap_new(sizeof *worker);
    ASSERT(peer.len <= sizeof worker->peer && hello->instance.len <= BUS_NAME_LIMIT);
    *worker = (struct gateway_worker){.peer_length = peer.len,
                                      .service = hello->service,
                                      .incarnation = hello->incarnation,
                                      .hash = worker_hash(hello),
                                      .heard_ms = now_ms};
    memcpy(worker->peer, peer.ptr, peer.len);
    memcpy(worker->instance, hello->instance.ptr, hello->instance.len);
    credit_grant(&worker->credit, hello->credit_messages, hello->credit_bytes);
    list_init(&worker->calls);
    list_init(&worker->dirty);
    list_append(&workers->all, &worker->link);
    map_put(workers->by_peer, peer, worker);
    workers->by_service[worker->service]++;
    workers->windows[worker->service].messages += hello->credit_messages;
    workers->windows[worker->service].bytes += hello->credit_bytes;
    return worker;
}

void gateway_workers_remove(struct gateway_workers *workers, struct gateway_worker *worker)
{
    ASSERT(list_is_empty(&worker->calls));
    map_remove(workers->by_peer, gateway_worker_peer(worker));
    workers->by_service[worker->service]--;
    workers->windows[worker->service].messages -= worker->credit.messages_granted;
    workers->windows[worker->service].bytes -= worker->credit.bytes_granted;
    list_remove(&worker->link);
    list_remove(&worker->dirty);
    bus_list_release(&worker->requests);
    free(worker);
}

struct gateway_worker *gateway_workers_find(const struct gateway_workers *workers, struct str peer)
{
    return map_get(workers->by_peer, peer);
}

struct gateway_worker *gateway_workers_named(const struct gateway_workers *workers,
                                             enum service_id service, struct str instance)
{
    LIST_EACH (&workers->all, struct gateway_worker, link, worker)
        if (worker->service == service && str_equal(str_of(worker->instance), instance))
            return worker;
    return NULL;
}

size_t gateway_workers_of(const struct gateway_workers *workers, enum service_id service)
{
    return workers->by_service[service];
}

struct list *gateway_workers_list(struct gateway_workers *workers)
{
    return &workers->all;
}

struct str gateway_worker_peer(const struct gateway_worker *worker)
{
    return str_make(worker->peer, worker->peer_length);
}

void gateway_worker_heard(struct gateway_worker *worker, const struct bus_heartbeat *heartbeat)
{
    worker->health = *heartbeat;
    worker->health.queues = worker->queues;
    for (size_t i = 0; i < heartbeat->queue_count; i++)
        worker->queues[i] = heartbeat->queues[i];
}

static bool is_usable(const struct gateway_worker *worker, enum service_id service)
{
    return worker->service == service && !worker->draining && !worker->broken;
}

// A worker without its database can only refuse, so it is used only when no other is left.
static bool one_has_its_database(const struct gateway_workers *workers, enum service_id service)
{
    LIST_EACH (&workers->all, struct gateway_worker, link, worker)
        if (is_usable(worker, service) && worker->health.db_ready)
            return true;
    return false;
}

struct gateway_worker *gateway_workers_place(struct gateway_workers *workers,
                                             const struct bus_call *call)
{
    bool database_matters = one_has_its_database(workers, call->service);
    struct gateway_worker *of_service[WORKERS_LIMIT];
    struct placement_candidate candidates[WORKERS_LIMIT];
    size_t count = 0;
    int chosen;

    LIST_EACH (&workers->all, struct gateway_worker, link, worker) {
        if (!is_usable(worker, call->service) || (database_matters && !worker->health.db_ready))
            continue;
        of_service[count] = worker;
        candidates[count++] =
            (struct placement_candidate){.worker = worker->hash,
                                         .eligible = credit_available(&worker->credit),
                                         .load = worker->call_count};
    }
    while ((chosen = placement_choose(call->envelope.partition, candidates, count)) >= 0) {
        if (credit_take(&of_service[chosen]->credit, call_bytes(call)))
            return of_service[chosen];
        candidates[chosen].eligible = false; // it has room only for a smaller call
    }
    return NULL;
}

struct turn_window gateway_workers_window(const struct gateway_workers *workers,
                                          enum service_id service)
{
    return workers->windows[service];
}

uint64_t gateway_workers_credit(const struct gateway_workers *workers, enum service_id service)
{
    uint64_t messages = 0;

    LIST_EACH (&workers->all, struct gateway_worker, link, worker)
        if (worker->service == service && !worker->draining)
            messages += worker->credit.messages;
    return messages;
}
