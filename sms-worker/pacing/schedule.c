#include "sms-worker/pacing/schedule.h"

#include "base/heap.h"
#include "base/panic.h"

#include <stdlib.h>

// A tenant is in a ring while it has entries there; a tenant with both fast and slow ones is in
// both.
struct schedule_tenant {
    struct list link;
    struct list entries;
    uint32_t number;
    int quantum;
    int deficit;
};

void schedule_init(struct schedule *schedule, int quantum)
{
    for (int pool = 0; pool < SCHEDULE_POOLS; pool++)
        list_init(&schedule->rings[pool]);
    schedule->quantum = quantum;
}

void schedule_release(struct schedule *schedule)
{
    for (int pool = 0; pool < SCHEDULE_POOLS; pool++)
        ASSERT(list_is_empty(&schedule->rings[pool]));
}

static struct schedule_tenant *tenant_of(struct schedule *schedule, uint32_t number,
                                         enum schedule_pool pool)
{
    LIST_EACH (&schedule->rings[pool], struct schedule_tenant, link, tenant) {
        if (tenant->number == number)
            return tenant;
    }
    struct schedule_tenant *tenant = heap_new(sizeof *tenant);
    list_init(&tenant->entries);
    tenant->number = number;
    tenant->quantum = tenant->deficit = schedule->quantum;
    list_append(&schedule->rings[pool], &tenant->link);
    return tenant;
}

void schedule_add(struct schedule *schedule, struct schedule_entry *entry, uint32_t number,
                  enum schedule_pool pool)
{
    if (entry->tenant)
        return;
    entry->tenant = tenant_of(schedule, number, pool);
    entry->deficit = schedule->quantum;
    list_append(&entry->tenant->entries, &entry->link);
}

void schedule_remove(struct schedule_entry *entry)
{
    struct schedule_tenant *tenant = entry->tenant;
    if (!tenant)
        return;
    list_remove(&entry->link);
    entry->tenant = NULL;
    if (list_is_empty(&tenant->entries)) {
        list_remove(&tenant->link);
        free(tenant);
    }
}

// Moves the head of a ring to its end.
static void pass_on(struct list *ring, struct list *head)
{
    list_remove(head);
    list_append(ring, head);
}

struct schedule_entry *schedule_next(struct schedule *schedule, enum schedule_pool pool)
{
    struct list *ring = &schedule->rings[pool];
    if (list_is_empty(ring))
        return NULL;

    struct schedule_tenant *tenant = LIST_FIRST(ring, struct schedule_tenant, link);
    while (tenant->deficit <= 0) {
        tenant->deficit += tenant->quantum;
        pass_on(ring, &tenant->link);
        tenant = LIST_FIRST(ring, struct schedule_tenant, link);
    }
    struct schedule_entry *entry = LIST_FIRST(&tenant->entries, struct schedule_entry, link);
    while (entry->deficit <= 0) {
        entry->deficit += tenant->quantum;
        pass_on(&tenant->entries, &entry->link);
        entry = LIST_FIRST(&tenant->entries, struct schedule_entry, link);
    }
    return entry;
}

void schedule_charge(struct schedule_entry *entry, int cost)
{
    entry->deficit -= cost;
    entry->tenant->deficit -= cost;
}
