// provisioning: see the header.
#include "provisioning-worker/provisioning.h"

#include "base/heap.h"
#include "bus/worker/bus_worker.h"
#include "provisioning-worker/identity/gws.h"
#include "provisioning-worker/upkeep/upkeep.h"
#include "secrets/keyring.h"

bool provisioning_init(struct service *service, struct err *err)
{
    const struct provisioning_config *config = service_config(service);
    struct provisioning state = {0};

    if (!secret_key_parse("NEXUS_KEY_PEPPER", config->key_pepper, state.pepper, err))
        return false;
    state.ring = keyring_new(service_key_encryption_keys, service, err);
    if (!state.ring)
        return false;
    struct provisioning *provisioning = heap_raw(sizeof *provisioning);
    *provisioning = state;
    service_set_state(service, provisioning);
    provisioning->gws = gws_new(service);
    provisioning->upkeep = upkeep_new(service);
    return true;
}

void provisioning_identity(struct service *service, struct str whose)
{
    struct provisioning *provisioning = service_state(service);

    if (!str_present(whose) && provisioning)
        upkeep_measure(provisioning->upkeep);
    if (service_bus(service))
        bus_worker_event(service_bus(service), STR("identity"),
                         str_present(whose) ? whose : STR("*"));
}

void provisioning_health(struct service *service, struct health_reasons *reasons)
{
    struct provisioning *provisioning = service_state(service);

    if (provisioning)
        upkeep_judge(provisioning->upkeep, reasons);
}

void provisioning_drain(struct service *service)
{
    struct provisioning *provisioning = service_state(service);

    upkeep_drain(provisioning->upkeep);
}

void provisioning_done(struct service *service)
{
    struct provisioning *provisioning = service_state(service);

    if (!provisioning)
        return;
    upkeep_free(&provisioning->upkeep);
    keyring_free(&provisioning->ring);
    gws_free(&provisioning->gws);
    free(provisioning);
    service_set_state(service, NULL);
}
