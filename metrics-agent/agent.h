// agent: the two sockets of metrics-agent: snapshots come in on one, scrapes on the other.
#pragma once

#include "service/service.h"

#define CONFIG_STRUCT agent_config
#define CONFIG_ROWS   "metrics-agent/config.def"
#include "config/config_struct.h"

bool agent_init(struct service *service, struct err *err);
void agent_drain(struct service *service);
void agent_done(struct service *service);
