// provisioning-worker: answers the gateways' "who calls?" and keeps the tables small.
#include "provisioning-worker/gws.h"
#include "provisioning-worker/provisioning.h"

#define HANDLERS_OF "wire/messages/provisioning.def"
#include "service/handlers.h"

static const struct config_key config[] = {
#define CONFIG(kind, ...) CONFIG_##kind(provisioning_config, __VA_ARGS__),
#include "provisioning-worker/config.def"
};

static const struct service_def provisioning_worker = {
    .name = "provisioning-worker",
    .summary = "who calls, keys, and upkeep of the tables",
    .service = SERVICE_PROVISIONING,
    .needs = {NEEDS_PG, NEEDS_HTTP_CLIENT, NEEDS_BUS_WORKER},
    .http_allow = GWS_ADDRESSES,
    .channel = "nexus_identity",
    .channel_heard = provisioning_identity,
    .config = config,
    .config_count = COUNT_OF(config),
    .config_size = sizeof(struct provisioning_config),
    .handlers = handlers,
    .handler_count = COUNT_OF(handlers),
    .init = provisioning_init,
    .health = provisioning_health,
    .drain = provisioning_drain,
    .done = provisioning_done,
};

int main(int argc, char **argv)
{
    return service_main(&provisioning_worker, argc, argv);
}
