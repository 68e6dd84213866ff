// gateway_workers: the workers a gateway knows, at most 256, found by the routing id of their
// socket. For bus_gateway.c alone.
#pragma once

#include "base/list.h"
#include "bus/gateway/calls.h"
#include "bus/gateway/credit.h"
#include "bus/protocol.h"

enum { WORKERS_LIMIT = 256, ROUTING_ID_LIMIT = 255 };

struct gateway_worker {
    struct list link;
    struct list dirty; // on the gateway's list of those with something to send
    char peer[ROUTING_ID_LIMIT];
    size_t peer_length;
    char instance[BUS_NAME_LIMIT + 1];
    enum service_id service;
    uint64_t incarnation, hash;
    struct credit credit;
    struct bus_heartbeat health;
    struct bus_queue queues[BUS_QUEUES_LIMIT]; // what health points at
    bool draining;
    bool broken; // its socket refused a frame
    int64_t heard_ms;
    struct list calls; // OUT and ABANDONED
    uint32_t call_count;
    struct bus_list requests; // of the newest calls; they leave at the end of this round
};

struct gateway_workers;

struct gateway_workers *gateway_workers_new(void);
void gateway_workers_free(struct gateway_workers **workers); // all must be gone

// NULL: the table is full.
struct gateway_worker *gateway_workers_add(struct gateway_workers *workers, struct str peer,
                                           const struct bus_hello *hello, int64_t now_ms);
void gateway_workers_remove(struct gateway_workers *workers, struct gateway_worker *worker);
struct gateway_worker *gateway_workers_find(const struct gateway_workers *workers,
                                            struct str peer); // or NULL
struct gateway_worker *gateway_workers_named(const struct gateway_workers *workers,
                                             enum service_id service,
                                             struct str instance); // or NULL
size_t gateway_workers_of(const struct gateway_workers *workers, enum service_id service);
struct list *gateway_workers_list(struct gateway_workers *workers);
struct str gateway_worker_peer(const struct gateway_worker *worker);
void gateway_worker_heard(struct gateway_worker *worker, const struct bus_heartbeat *heartbeat);

// Takes the credit for a call from the worker that placement.h chooses; NULL when none has any.
struct gateway_worker *gateway_workers_place(struct gateway_workers *workers,
                                             const struct bus_call *call);
// How many requests the workers of a service take at a time.
struct turn_window gateway_workers_window(const struct gateway_workers *workers,
                                          enum service_id service);
// How many more requests the workers of a service can take now.
uint64_t gateway_workers_credit(const struct gateway_workers *workers, enum service_id service);
