// gateway: HTTP requests become typed messages on the bus, their replies become answers
// (gateway.h, ingress.c).
#include "gateway.h"

#include "service/service.h"

static const struct config_key settings[] = {
#define CONFIG(kind, field, ...) CONFIG_##kind(gateway_config, field, __VA_ARGS__),
#include "config.def"
};

int main(int argc, char **argv)
{
    static const struct service_def gateway = {
        .name = "gateway",
        .summary = "HTTP ingress: authenticates, limits, and hands each request to a worker",
        .service = SERVICE_NONE,
        .config = settings,
        .config_count = COUNT_OF(settings),
        .config_size = sizeof(struct gateway_config),
        .init = gateway_init,
        .drain = gateway_drain,
        .done = gateway_done,
    };

    return service_main(&gateway, argc, argv);
}
