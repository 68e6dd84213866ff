// change_hints: hints sent after a commit: "tenant N has events", "destination N has deliveries". A
// lost hint causes a delay but no loss, because feeds and the delivery engine also look by
// themselves.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct bus_worker;

enum { CHANGE_HINTS_LIMIT = 64 };

// The hints of one batch, each tenant and destination once. Hints beyond the limit are dropped.
struct change_hints {
    uint32_t tenants[CHANGE_HINTS_LIMIT], destinations[CHANGE_HINTS_LIMIT];
    size_t tenant_count, destination_count;
};

void change_hints_add_tenant(struct change_hints *hints, uint32_t tenant);
void change_hints_add_destination(struct change_hints *hints, uint32_t destination);
void change_hints_send(const struct change_hints *hints, struct bus_worker *bus);
void change_hints_send_tenant(struct bus_worker *bus, uint32_t tenant); // of one tenant, now
