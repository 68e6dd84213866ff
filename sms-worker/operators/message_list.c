// message_list: the messages of a contact center, for operators and administrators.
#include "service/tasks/task_statement.h"
#include "sms-worker/handlers.h"
#include "store/senders.h"
#include "store/statements.h"

enum { PAGE_DEFAULT = 50 };
enum direction { DIRECTION_ANY, DIRECTION_IN = 1, DIRECTION_OUT = 2 }; // message.direction

// An empty parameter counts as absent.
static struct str wanted(struct str text)
{
    return text.len > 0 ? text : STR_ABSENT;
}

static bool direction_read(struct str text, enum direction *direction)
{
    if (text.len == 0)
        *direction = DIRECTION_ANY;
    else if (str_equal(text, STR("in")))
        *direction = DIRECTION_IN;
    else if (str_equal(text, STR("out")))
        *direction = DIRECTION_OUT;
    else
        return false;
    return true;
}

void on_message_list(struct task *task, const struct msg_message_list *message)
{
    enum direction direction;
    struct senders senders;
    struct pg_params params;
    struct err err;

    if (!direction_read(message->direction, &direction)) {
        err_set(&err, ERR_BAD_INPUT, "direction: in or out");
        task_fail(task, &err);
        return;
    }
    if (!senders_read(&senders, STR("phone"), message->phone, &err)) {
        task_fail(task, &err);
        return;
    }
    BIND(&params, MESSAGE_LIST, .tenant = (int32_t)task_tenant(task),
         .spellings = senders.spellings, .codes = senders.codes,
         .conversation = message->conversation, .number = wanted(message->number),
         .direction = (int16_t)direction, .state = wanted(message->state),
         .after = wanted(message->after),
         .at_most = message->count ? (int32_t)message->count : PAGE_DEFAULT);
    task_answer_by(task, &params);
}
