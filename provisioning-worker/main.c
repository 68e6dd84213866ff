// provisioning-worker: identifies callers for the gateways and keeps the tables small.
#include "provisioning-worker/handlers.h"
#include "provisioning-worker/provisioning.h"

#define HANDLERS_OF "wire/messages/provisioning.def"
#include "service/tasks/handler_table.h"

#define CONFIG_STRUCT provisioning_config
#define CONFIG_ROWS   "provisioning-worker/config.def"
#include "config/config_keys.h"

static const struct service_def provisioning_worker = {
    .name = "provisioning-worker",
    .summary = "who calls, keys, and upkeep of the tables",
    .service = SERVICE_PROVISIONING,
    .needs = {NEEDS_PG, NEEDS_HTTP_CLIENT, NEEDS_BUS_WORKER},
    .http_allow = GWS_ADDRESSES,
    .channel = "nexus_identity",
    .channel_heard = provisioning_identity,
    .config = config_keys,
    .config_count = COUNT_OF(config_keys),
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
