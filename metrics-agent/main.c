// metrics-agent: the target that Prometheus scrapes. It holds no data that messages need.
#include "metrics-agent/agent.h"

#define CONFIG_STRUCT agent_config
#define CONFIG_ROWS   "metrics-agent/config.def"
#include "config/config_keys.h"

static const struct service_def metrics_agent = {
    .name = "metrics-agent",
    .summary = "merges the metrics of all processes and serves them to Prometheus",
    .service = SERVICE_NONE,
    .config = config_keys,
    .config_count = COUNT_OF(config_keys),
    .config_size = sizeof(struct agent_config),
    .init = agent_init,
    .drain = agent_drain,
    .done = agent_done,
};

int main(int argc, char **argv)
{
    return service_main(&metrics_agent, argc, argv);
}
