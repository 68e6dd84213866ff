// schedule: decides whose turn it is. Deficit round robin (Shreedhar and Varghese 1995) over
// tenants, and within a tenant over its destinations, so that neither a tenant with many
// destinations nor a destination with many messages takes more than its turn. Slow destinations
// stand in a ring of their own, whose share the caller limits. No I/O, no clock.
//
//   schedule_add(&schedule, &destination->ready, tenant, SCHEDULE_FAST);
//   while (room && (entry = schedule_next(&schedule, SCHEDULE_FAST)))
//       schedule_charge(entry, messages);        or schedule_remove(entry)
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

enum schedule_pool { SCHEDULE_FAST, SCHEDULE_SLOW, SCHEDULE_POOLS };

struct schedule_tenant;

struct schedule_entry { // lives in its destination; zeroed: in no ring
    struct list link;
    struct schedule_tenant *tenant;
    int deficit;
};

struct schedule {
    struct list rings[SCHEDULE_POOLS]; // of tenants
    int quantum;                       // what one turn may cost
};

void schedule_init(struct schedule *schedule, int quantum);
void schedule_release(struct schedule *schedule); // entries must have been removed

// Adding an entry that is in, or removing one that is not, changes nothing.
void schedule_add(struct schedule *schedule, struct schedule_entry *entry, uint32_t tenant,
                  enum schedule_pool pool);
void schedule_remove(struct schedule_entry *entry);
static inline bool schedule_has(const struct schedule_entry *entry)
{
    return entry->tenant != NULL;
}

// The entry whose turn it is; it stays in. NULL when the ring is empty.
struct schedule_entry *schedule_next(struct schedule *schedule, enum schedule_pool pool);
// What its turn cost; the turn passes on when the quantum is spent.
void schedule_charge(struct schedule_entry *entry, int cost);
