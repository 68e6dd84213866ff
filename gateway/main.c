// gateway: HTTP requests become typed messages on the bus, their replies become answers
// (gateway.h, ingress.c).
#include "gateway/gateway.h"

#include "service/service.h"

#define CONFIG_STRUCT gateway_config
#define CONFIG_ROWS   "gateway/config.def"
#include "config/config_keys.h"

int main(int argc, char **argv)
{
    static const struct service_def gateway = {
        .name = "gateway",
        .summary = "HTTP ingress: authenticates, limits, and hands each request to a worker",
        .service = SERVICE_NONE,
        .config = config_keys,
        .config_count = COUNT_OF(config_keys),
        .config_size = sizeof(struct gateway_config),
        .init = gateway_init,
        .drain = gateway_drain,
        .done = gateway_done,
    };

    return service_main(&gateway, argc, argv);
}
