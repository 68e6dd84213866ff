// conversation_read: the questions an agent's screen asks. Each is one statement that answers in
// JSON.
#include "service/task_statement.h"
#include "store/senders.h"
#include "store/statements.h"

enum { LIST_DEFAULT = 50, TRANSCRIPT_DEFAULT = 100, EVENTS_DEFAULT = 500 };

void on_conversation_list(struct task *task, const struct msg_conversation_list *message);
void on_contact_list(struct task *task, const struct msg_contact_list *message);
void on_conversation_read(struct task *task, const struct msg_conversation_read *message);
void on_transcript_read(struct task *task, const struct msg_transcript_read *message);
void on_events_read(struct task *task, const struct msg_events_read *message);

// Empty in a query means "not asked for", as absent does.
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

static void answer_of_senders(struct task *task, unsigned statement, struct pg_params *params,
                              struct str address)
{
    struct err err;

    if (senders_bind(params, STR("address"), address, &err)) {
        task_answer_by(task, statement, params);
        return;
    }
    pg_params_release(params);
    task_fail(task, &err);
}

void on_conversation_list(struct task *task, const struct msg_conversation_list *message)
{
    struct pg_params params;
    struct err err;

    if (message->state.len > 0 && !is_conversation_state(message->state)) {
        err_set(&err, ERR_BAD_INPUT, "state: waiting, active, held or done");
        task_fail(task, &err);
        return;
    }
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, wanted(message->state));
    pg_text(&params, wanted(message->queue));
    pg_id(&params, message->contact);
    pg_int4(&params, (int32_t)message->index);
    pg_int4(&params, message->count ? (int32_t)message->count : LIST_DEFAULT);
    if (!str_present(message->address))
        task_answer_by(task, STATEMENT_CONVERSATION_LIST, &params);
    else
        answer_of_senders(task, STATEMENT_CONVERSATION_LIST_OF_SENDERS, &params, message->address);
}

void on_contact_list(struct task *task, const struct msg_contact_list *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    answer_of_senders(task, STATEMENT_CONTACT_LIST, &params, message->address);
}

void on_conversation_read(struct task *task, const struct msg_conversation_read *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, message->id);
    task_answer_by(task, STATEMENT_CONVERSATION_READ, &params);
}

void on_transcript_read(struct task *task, const struct msg_transcript_read *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, message->id);
    pg_int4(&params, (int32_t)message->after);
    pg_int4(&params, message->count ? (int32_t)message->count : TRANSCRIPT_DEFAULT);
    task_answer_by(task, STATEMENT_TRANSCRIPT_READ, &params);
}

void on_events_read(struct task *task, const struct msg_events_read *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, wanted(message->after));
    pg_int4(&params, message->count ? (int32_t)message->count : EVENTS_DEFAULT);
    task_answer_by(task, STATEMENT_EVENTS_READ, &params);
}
