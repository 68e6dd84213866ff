// handlers: what a worker defines for each row of its messages/*.def, declared from the rows
// themselves. A worker's own handlers.h is
//
//   #pragma once
//   #define HANDLERS_OF "wire/messages/sms.def"
//   #include "service/tasks/handlers.h"
//
// and every file of the worker that takes a message includes that header. For each COLD message the
// worker must define
//
//   void on_<name>(struct task *task, const struct msg_<name> *message);
//
// and for each HOT one
//
//   const struct batch_def <name>_batch;        whose context is the struct service *
//
// A missing one is a link error; one with another type does not compile. A continuation gets the
// message of its task from these, which panic if the task has another message:
//
//   const struct msg_<name> *<name>_of(const struct task *task);
//   void <name>_replace(struct task *task, const struct msg_<name> *message);   in the arena of the task
#include "base/panic.h"
#include "service/tasks/task.h"

#define HANDLER_COLD(name) void on_##name(struct task *task, const struct msg_##name *message);
#define HANDLER_HOT(name)  extern const struct batch_def name##_batch;
#define MESSAGE(id, name, text, service, kind, limit, doc)                                         \
    HANDLER_##kind(name) static inline const struct msg_##name *name##_of(const struct task *task) \
    {                                                                                              \
        ASSERT(task->envelope.message == MSG_##id);                                                \
        return task->decoded;                                                                      \
    }                                                                                              \
    static inline void name##_replace(struct task *task, const struct msg_##name *message)         \
    {                                                                                              \
        ASSERT(task->envelope.message == MSG_##id);                                                \
        task->decoded = message;                                                                   \
    }
#define MESSAGES_OF HANDLERS_OF
#include "wire/messages.def"
#undef HANDLER_COLD
#undef HANDLER_HOT
#undef HANDLERS_OF
