// news: hints that follow a commit: "tenant N has events", "destination N has deliveries". Losing
// one delays, and never loses: feeds and the delivery engine look by themselves, only later.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct bus_worker;

enum { NEWS_LIMIT = 64 };

// What one batch has to tell, each tenant and destination once. Past the limit hints are dropped.
struct news {
    uint32_t tenants[NEWS_LIMIT], destinations[NEWS_LIMIT];
    size_t tenant_count, destination_count;
};

void news_of_tenant(struct news *news, uint32_t tenant);
void news_of_destination(struct news *news, uint32_t destination);
void news_send(const struct news *news, struct bus_worker *bus);
void news_tell(struct bus_worker *bus, uint32_t tenant); // of one tenant, now
