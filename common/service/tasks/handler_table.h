// handler_table: the table of a worker's handlers, for its main.c, which does
//
//   #define HANDLERS_OF "wire/messages/sms.def"
//   #include "service/tasks/handler_table.h"
//
// after its handlers.h and gets `static const struct handler handlers[]`.
#include "service/service.h"
#include "service/tasks/task.h"

#define HANDLER_COLD(name)                                                                         \
    static void take_##name(struct task *task)                                                     \
    {                                                                                              \
        on_##name(task, name##_of(task));                                                          \
    }
#define HANDLER_HOT(name)
#define MESSAGE(id, name, text, service, kind, limit, doc) HANDLER_##kind(name)
#define MESSAGES_OF                                        HANDLERS_OF
#include "wire/messages.def"
#undef HANDLER_COLD
#undef HANDLER_HOT

#define HANDLER_COLD(id, name)                             {.message = MSG_##id, .take = take_##name},
#define HANDLER_HOT(id, name)                              {.message = MSG_##id, .batch = &name##_batch},
#define MESSAGE(id, name, text, service, kind, limit, doc) HANDLER_##kind(id, name)
#define MESSAGES_OF                                        HANDLERS_OF
static const struct handler handlers[] = {
#include "wire/messages.def"
};
#undef HANDLER_COLD
#undef HANDLER_HOT
#undef HANDLERS_OF
