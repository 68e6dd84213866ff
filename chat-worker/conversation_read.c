// conversation_read: the queries of an agent's screen. Each is one statement that returns JSON.
#include "chat-worker/handlers.h"
#include "service/tasks/task_statement.h"
#include "store/senders.h"
#include "store/statements.h"

enum { LIST_DEFAULT = 50, TRANSCRIPT_DEFAULT = 100, EVENTS_DEFAULT = 500 };

// An empty parameter counts as absent.
static struct str wanted(struct str text)
{
    return text.len > 0 ? text : STR_ABSENT;
}

static bool is_conversation_state(struct str state)
{
    static const struct str states[] = {
        STR_INIT("waiting"),
        STR_INIT("active"),
        STR_INIT("held"),
        STR_INIT("done"),
    };
    for (size_t i = 0; i < COUNT_OF(states); i++)
        if (str_equal(state, states[i]))
            return true;
    return false;
}

void on_conversation_list(struct task *task, const struct msg_conversation_list *message)
{
    int32_t at_most = message->count ? (int32_t)message->count : LIST_DEFAULT;
    struct senders senders;
    struct pg_params params;
    struct err err;

    if (message->state.len > 0 && !is_conversation_state(message->state)) {
        err_set(&err, ERR_BAD_INPUT, "state: waiting, active, held or done");
        task_fail(task, &err);
        return;
    }
    if (!senders_read(&senders, STR("address"), message->address, &err)) {
        task_fail(task, &err);
        return;
    }
    if (!str_present(message->address))
        BIND(&params, CONVERSATION_LIST, .tenant = (int32_t)task_tenant(task),
             .wanted = wanted(message->state), .queue = wanted(message->queue),
             .contact = message->contact, .skip = (int32_t)message->index, .at_most = at_most,
             .after = message->after);
    else
        BIND(&params, CONVERSATION_LIST_OF_SENDERS, .tenant = (int32_t)task_tenant(task),
             .wanted = wanted(message->state), .queue = wanted(message->queue),
             .contact = message->contact, .skip = (int32_t)message->index, .at_most = at_most,
             .after = message->after, .spellings = senders.spellings, .codes = senders.codes);
    task_answer_by(task, &params);
}

void on_contact_list(struct task *task, const struct msg_contact_list *message)
{
    struct senders senders;
    struct pg_params params;
    struct err err;

    if (!senders_read(&senders, STR("address"), message->address, &err)) {
        task_fail(task, &err);
        return;
    }
    BIND(&params, CONTACT_LIST, .tenant = (int32_t)task_tenant(task),
         .spellings = senders.spellings, .codes = senders.codes);
    task_answer_by(task, &params);
}

void on_conversation_read(struct task *task, const struct msg_conversation_read *message)
{
    struct pg_params params;

    BIND(&params, CONVERSATION_READ, .tenant = (int32_t)task_tenant(task), .wanted = message->id);
    task_answer_by(task, &params);
}

void on_transcript_read(struct task *task, const struct msg_transcript_read *message)
{
    struct pg_params params;

    BIND(&params, TRANSCRIPT_READ, .tenant = (int32_t)task_tenant(task), .wanted = message->id,
         .after_sequence = (int32_t)message->after,
         .at_most = message->count ? (int32_t)message->count : TRANSCRIPT_DEFAULT);
    task_answer_by(task, &params);
}

void on_events_read(struct task *task, const struct msg_events_read *message)
{
    struct pg_params params;

    BIND(&params, EVENTS_READ, .tenant = (int32_t)task_tenant(task),
         .after_position = wanted(message->after),
         .at_most = message->count ? (int32_t)message->count : EVENTS_DEFAULT);
    task_answer_by(task, &params);
}
