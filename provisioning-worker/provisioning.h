// provisioning: what the parts of this program share.
#pragma once

#include "secrets/secret.h"
#include "service/service.h"

struct keyring;
struct gws;
struct upkeep;

// GWS is mostly in private address space, and its addresses come from the operator's own table, not
// from customers. So private ranges are allowed for it, independent of the ranges for webhooks.
// Link-local ranges stay forbidden, because clouds offer credentials there.
#define GWS_ADDRESSES                                                                              \
    "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 127.0.0.0/8, ::1/128, fc00::/7"

#define CONFIG_STRUCT provisioning_config
#define CONFIG_ROWS   "provisioning-worker/config.def"
#include "config/config_struct.h"

struct provisioning { // the service's state
    unsigned char pepper[SECRET_KEY_BYTES];
    struct keyring *ring;
    struct gws *gws;
    struct upkeep *upkeep;
};

// Permissions changed: the tenant's number, "0" or "*" (db/migrations/0003_identity.sql); absent:
// possibly those of all. All gateways are told.
void provisioning_identity(struct service *service, struct str whose);
bool provisioning_init(struct service *service, struct err *err);
struct health_reasons;
void provisioning_health(struct service *service, struct health_reasons *reasons);
void provisioning_drain(struct service *service);
void provisioning_done(struct service *service);
