// sms_worker: the parts of this program are made and freed here.
#include "sms-worker/sms_worker.h"

#include "base/heap.h"
#include "secrets/keyring.h"
#include "sms-worker/delivery/engine.h"
#include "sms-worker/proofs/proofs.h"

bool sms_worker_init(struct service *service, struct err *err)
{
    const struct sms_config *config = service_config(service);
    struct sms_worker *worker = heap_new(sizeof *worker);
    service_set_state(service, worker);
    worker->ring = keyring_new(service_key_encryption_keys, service, err);
    if (!worker->ring)
        return false;
    worker->proofs = proofs_new(worker->ring);
    worker->engine = engine_new(service, &(struct engine_options){
                                             .ring = worker->ring,
                                             .transfers = (unsigned)config->transfers,
                                             .window = (unsigned)config->window,
                                             .attempts = (unsigned)config->attempts,
                                             .order_wait_ms = (int32_t)config->order_wait_ms,
                                             .timeout_ms = config->webhook_timeout_ms,
                                             .https_only = service_https_only(service),
                                         });
    return true;
}

void sms_worker_before_batch(struct task *task)
{
    proofs_check(task);
}

void sms_worker_heard(struct service *service, struct str payload)
{
    proofs_forget(sms_worker_of(service)->proofs, payload);
}

void sms_worker_doorbell(struct service *service, uint32_t destination)
{
    engine_doorbell(sms_worker_of(service)->engine, (int32_t)destination);
}

void sms_worker_publish_metrics(struct service *service)
{
    engine_publish_metrics(sms_worker_of(service)->engine);
}

void sms_worker_health(struct service *service, struct health_reasons *reasons)
{
    engine_health(sms_worker_of(service)->engine, reasons);
}

void sms_worker_drain(struct service *service)
{
    engine_drain(sms_worker_of(service)->engine);
}

void sms_worker_done(struct service *service)
{
    struct sms_worker *worker = sms_worker_of(service);
    if (!worker)
        return;
    engine_free(&worker->engine);
    proofs_free(&worker->proofs);
    keyring_free(&worker->ring);
    free(worker);
    service_set_state(service, NULL);
}
