// sms-worker: inbound texts and receipts, and all deliveries to the outside.
#include "sms-worker/proofs.h"
#include "sms-worker/sms_worker.h"

#define HANDLERS_OF "wire/messages/sms.def"
#include "service/handlers.h"

static const struct config_key config[] = {
#define CONFIG(kind, ...) CONFIG_##kind(sms_config, __VA_ARGS__),
#include "sms-worker/config.def"
};

static const struct service_def sms_worker = {
    .name = "sms-worker",
    .summary = "inbound texts, receipts, and all deliveries",
    .service = SERVICE_SMS,
    .needs = {NEEDS_PG, NEEDS_BUS_WORKER, NEEDS_HTTP_CLIENT},
    .config = config,
    .config_count = COUNT_OF(config),
    .config_size = sizeof(struct sms_config),
    .handlers = handlers,
    .handler_count = COUNT_OF(handlers),
    .init = sms_worker_init,
    .before_batch = proofs_check,
    .channel = "nexus_channel",
    .channel_heard = sms_worker_heard,
    .doorbell = sms_worker_doorbell,
    .tell = sms_worker_tell,
    .health = sms_worker_health,
    .drain = sms_worker_drain,
    .done = sms_worker_done,
};

int main(int argc, char **argv)
{
    return service_main(&sms_worker, argc, argv);
}
