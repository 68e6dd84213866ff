// agent: the two sockets of metrics-agent: snapshots come in on one, scrapes on the other.
#pragma once

#include "service/service.h"

struct agent_config {
#define CONFIG(kind, field, ...) CONFIG_FIELD_##kind field;
#define CONFIG_FIELD_STR         struct str
#define CONFIG_FIELD_INT         int64_t
#define CONFIG_FIELD_BOOL        bool
#include "metrics-agent/config.def"
#undef CONFIG_FIELD_STR
#undef CONFIG_FIELD_INT
#undef CONFIG_FIELD_BOOL
};

bool agent_init(struct service *service, struct err *err);
void agent_drain(struct service *service);
void agent_done(struct service *service);
