// provisioning: what the parts of this program share.
#pragma once

#include "service/service.h"
#include "store/secret.h"

struct keyring;
struct upkeep;

struct provisioning_config {
    struct str key_pepper;
    int64_t attempt_retention_ms, event_retention_ms;
};

struct provisioning { // the service's state
    unsigned char pepper[SECRET_KEY_BYTES];
    struct keyring *ring;
    struct upkeep *upkeep;
};

bool provisioning_init(struct service *service, struct err *err);
void provisioning_drain(struct service *service);
void provisioning_done(struct service *service);
