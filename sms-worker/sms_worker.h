// sms_worker: what the parts of this program share.
#pragma once

#include "service/service.h"

struct engine;
struct keyring;
struct proofs;
struct task;

#define CONFIG_STRUCT sms_config
#define CONFIG_ROWS   "sms-worker/config.def"
#include "config/config_struct.h"

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
void sms_worker_before_batch(struct task *task);
void sms_worker_heard(struct service *service, struct str payload);
void sms_worker_doorbell(struct service *service, uint32_t destination);
void sms_worker_publish_metrics(struct service *service);
void sms_worker_health(struct service *service, struct health_reasons *reasons);
void sms_worker_drain(struct service *service);
void sms_worker_done(struct service *service);
