// sms-worker: inbound texts and receipts, and all deliveries to the outside.
#include "sms-worker/handlers.h"
#include "sms-worker/sms_worker.h"

#define HANDLERS_OF "wire/messages/sms.def"
#include "service/tasks/handler_table.h"

#define CONFIG_STRUCT sms_config
#define CONFIG_ROWS   "sms-worker/config.def"
#include "config/config_keys.h"

static const struct service_def sms_worker = {
    .name = "sms-worker",
    .summary = "inbound texts, receipts, and all deliveries",
    .service = SERVICE_SMS,
    .needs = {NEEDS_PG, NEEDS_BUS_WORKER, NEEDS_HTTP_CLIENT},
    .config = config_keys,
    .config_count = COUNT_OF(config_keys),
    .config_size = sizeof(struct sms_config),
    .handlers = handlers,
    .handler_count = COUNT_OF(handlers),
    .init = sms_worker_init,
    .before_batch = sms_worker_before_batch,
    .channel = "nexus_channel",
    .channel_heard = sms_worker_heard,
    .doorbell = sms_worker_doorbell,
    .publish = sms_worker_publish_metrics,
    .health = sms_worker_health,
    .drain = sms_worker_drain,
    .done = sms_worker_done,
};

int main(int argc, char **argv)
{
    return service_main(&sms_worker, argc, argv);
}
