// metrics-agent: what Prometheus scrapes. Holds nothing that matters to a message if lost.
#include "metrics-agent/agent.h"

static const struct config_key config[] = {
#define CONFIG(kind, ...) CONFIG_##kind(agent_config, __VA_ARGS__),
#include "metrics-agent/config.def"
};

static const struct service_def metrics_agent = {
    .name = "metrics-agent",
    .summary = "merges the metrics of all processes and serves them to Prometheus",
    .service = SERVICE_NONE,
    .config = config,
    .config_count = COUNT_OF(config),
    .config_size = sizeof(struct agent_config),
    .init = agent_init,
    .drain = agent_drain,
    .done = agent_done,
};

int main(int argc, char **argv)
{
    return service_main(&metrics_agent, argc, argv);
}
