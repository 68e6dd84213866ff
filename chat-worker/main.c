// chat-worker: conversations, contacts, attachments and events; never calls out over HTTP.
#include "chat-worker/handlers.h"

#define HANDLERS_OF "wire/messages/chat.def"
#include "service/tasks/handler_table.h"

static const struct service_def chat_worker = {
    .name = "chat-worker",
    .summary = "conversations, transcripts and agents' answers",
    .service = SERVICE_CHAT,
    .needs = {NEEDS_PG, NEEDS_BUS_WORKER},
    .handlers = handlers,
    .handler_count = COUNT_OF(handlers),
};

int main(int argc, char **argv)
{
    return service_main(&chat_worker, argc, argv);
}
