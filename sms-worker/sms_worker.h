// sms_worker: what the parts of this program share.
#pragma once

#include "service/service.h"

struct engine;
struct keyring;
struct proofs;

struct sms_config {
    int64_t transfers, window, attempts, order_wait_ms, webhook_timeout_ms;
};

struct sms_worker { // the service's state
    struct engine *engine;
    struct keyring *ring;
    struct proofs *proofs;
};

static inline struct sms_worker *sms_worker_of(struct service *service)
{
    return service_state(service);
}

bool sms_worker_init(struct service *service, struct err *err);
void sms_worker_heard(struct service *service, struct str payload);
void sms_worker_doorbell(struct service *service, uint32_t destination);
void sms_worker_tell(struct service *service);
void sms_worker_health(struct service *service, struct health_reasons *reasons);
void sms_worker_drain(struct service *service);
void sms_worker_done(struct service *service);
