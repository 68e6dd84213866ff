// handlers: from a messages/*.def file to a worker's table. A worker does
//
//   #define HANDLERS_OF "wire/messages/sms.def"
//   #include "service/handlers.h"
//
// and gets `static const struct handler handlers[]`. For each COLD message it must define
//   void on_<name>(struct task *task, const struct msg_<name> *message);
// and for each HOT one
//   const struct batch_def <name>_batch;        whose context is the struct service *
// A missing one is a link error.
#include "service/service.h"
#include "service/task.h"

#define HANDLER_COLD(id, name)                                                                     \
    void on_##name(struct task *task, const struct msg_##name *message);                           \
    static void take_##name(struct task *task)                                                     \
    {                                                                                              \
        on_##name(task, task->message);                                                            \
    }
#define HANDLER_HOT(id, name)                              extern const struct batch_def name##_batch;
#define MESSAGE(id, name, text, service, kind, limit, doc) HANDLER_##kind(id, name)
#define FIELD(message, type, name, names, minimum, maximum, presence, doc)
#define END(id, name)
#include HANDLERS_OF
#undef MESSAGE
#undef HANDLER_COLD
#undef HANDLER_HOT

#define HANDLER_COLD(id, name)                             {.message = MSG_##id, .take = take_##name},
#define HANDLER_HOT(id, name)                              {.message = MSG_##id, .batch = &name##_batch},
#define MESSAGE(id, name, text, service, kind, limit, doc) HANDLER_##kind(id, name)
static const struct handler handlers[] = {
#include HANDLERS_OF
};
#undef MESSAGE
#undef FIELD
#undef END
#undef HANDLER_COLD
#undef HANDLER_HOT
#undef HANDLERS_OF
