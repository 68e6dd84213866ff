// provisioning: what the parts of this program share.
#pragma once

#include "service/service.h"
#include "store/secret.h"

struct keyring;
struct gws;
struct upkeep;

struct provisioning_config {
    struct str key_pepper;
    int64_t attempt_retention_ms, event_retention_ms, audit_retention_ms, idempotency_retention_ms;
    int64_t part_wait_ms;
    int64_t session_life_ms, session_idle_ms;
};

struct provisioning { // the service's state
    unsigned char pepper[SECRET_KEY_BYTES];
    struct keyring *ring;
    struct gws *gws;
    struct upkeep *upkeep;
};

// Somebody's rights changed: the tenant's number, "0" or "*" (db/migrations/0003_identity.sql); absent:
// perhaps everybody's. All gateways are told.
void provisioning_identity(struct service *service, struct str whose);
bool provisioning_init(struct service *service, struct err *err);
struct health_reasons;
void provisioning_health(struct service *service, struct health_reasons *reasons);
void provisioning_drain(struct service *service);
void provisioning_done(struct service *service);
