// change_hints: see the header.
#include "service/tasks/change_hints.h"

#include "base/str.h"
#include "bus/worker/bus_worker.h"

#include <stdio.h>

static void remember(uint32_t *numbers, size_t *count, uint32_t number)
{
    for (size_t i = 0; i < *count; i++)
        if (numbers[i] == number)
            return;
    if (*count < CHANGE_HINTS_LIMIT)
        numbers[(*count)++] = number;
}

void change_hints_add_tenant(struct change_hints *hints, uint32_t tenant)
{
    remember(hints->tenants, &hints->tenant_count, tenant);
}

void change_hints_add_destination(struct change_hints *hints, uint32_t destination)
{
    remember(hints->destinations, &hints->destination_count, destination);
}

void change_hints_send_tenant(struct bus_worker *bus, uint32_t tenant)
{
    char topic[16];
    int length = snprintf(topic, sizeof topic, "%u", tenant);

    bus_worker_event(bus, str_make(topic, (size_t)length), STR(""));
}

void change_hints_send(const struct change_hints *hints, struct bus_worker *bus)
{
    for (size_t i = 0; i < hints->tenant_count; i++)
        change_hints_send_tenant(bus, hints->tenants[i]);
    for (size_t i = 0; i < hints->destination_count; i++)
        bus_worker_doorbell(bus, hints->destinations[i]);
}
