// part_http_client: requests to the outside for a program that makes them.
#include "base/revision.h"
#include "io/http_client/http_client.h"
#include "io/tcp/address.h"
#include "service/state.h"

// The caller has a window for each destination, so the host needs no limit of its own.
enum { CONNECTIONS = 512, CONNECTIONS_PER_HOST = 512 };

static bool start(struct service *service, struct err *err)
{
    struct str allow = service->def->http_allow ? str_of(service->def->http_allow)
                                                : service->settings.skeleton.webhook_allow;

    service->http_allow = address_grants_parse(allow, err);
    if (!service->http_allow)
        return err_in(err, "NEXUS_WEBHOOK_ALLOW_CIDRS");
    service->http_client = http_client_new(
        &service->loop, &(struct http_client_options){.allow = service->http_allow,
                                                      .connections_limit = CONNECTIONS,
                                                      .connections_per_host = CONNECTIONS_PER_HOST,
                                                      .user_agent = revision_user_agent});
    return true;
}

static void publish(struct service *service)
{
    service->inflight[SERVICE_TRANSFERS] = http_client_in_flight(service->http_client);
}

static void quit(struct service *service)
{
    if (service->http_client)
        http_client_abort_all(service->http_client);
}

static void stop(struct service *service)
{
    http_client_free(&service->http_client);
    address_ranges_free(&service->http_allow);
}

const struct service_part service_part_http_client = {
    .start = start, .publish = publish, .quit = quit, .stop = stop};
