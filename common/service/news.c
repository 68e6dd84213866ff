// news: see the header.
#include "service/news.h"

#include "base/str.h"
#include "bus/bus_worker.h"

#include <stdio.h>

static void remember(uint32_t *numbers, size_t *count, uint32_t number)
{
    for (size_t i = 0; i < *count; i++)
        if (numbers[i] == number)
            return;
    if (*count < NEWS_LIMIT)
        numbers[(*count)++] = number;
}

void news_of_tenant(struct news *news, uint32_t tenant)
{
    remember(news->tenants, &news->tenant_count, tenant);
}

void news_of_destination(struct news *news, uint32_t destination)
{
    remember(news->destinations, &news->destination_count, destination);
}

void news_tell(struct bus_worker *bus, uint32_t tenant)
{
    char topic[16];
    int length = snprintf(topic, sizeof topic, "%u", tenant);

    bus_worker_event(bus, str_make(topic, (size_t)length), STR(""));
}

void news_send(const struct news *news, struct bus_worker *bus)
{
    for (size_t i = 0; i < news->tenant_count; i++)
        news_tell(bus, news->tenants[i]);
    for (size_t i = 0; i < news->destination_count; i++)
        bus_worker_doorbell(bus, news->destinations[i]);
}
