// message_list: the messages of a contact center, as those who run the place see them.
#include "service/task_statement.h"
#include "store/senders.h"
#include "store/statements.h"

enum { PAGE_DEFAULT = 50 };
enum direction { DIRECTION_IN = 1, DIRECTION_OUT = 2 }; // message.direction

void on_message_list(struct task *task, const struct msg_message_list *message);

// Empty in a query means "not asked for", as absent does.
static struct str wanted(struct str text)
{
    return text.len > 0 ? text : STR_ABSENT;
}

static void direction_bind(struct pg_params *params, struct str direction)
{
    if (direction.len == 0)
        pg_null(params);
    else
        pg_int2(params, str_equal(direction, STR("in")) ? DIRECTION_IN : DIRECTION_OUT);
}

void on_message_list(struct task *task, const struct msg_message_list *message)
{
    struct pg_params params;
    struct err err;

    if (message->direction.len > 0 && !str_equal(message->direction, STR("in")) &&
        !str_equal(message->direction, STR("out"))) {
        err_set(&err, ERR_BAD_INPUT, "direction: in or out");
        task_fail(task, &err);
        return;
    }
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    if (!senders_bind(&params, STR("phone"), message->phone, &err)) {
        pg_params_release(&params);
        task_fail(task, &err);
        return;
    }
    pg_id(&params, message->conversation);
    pg_text(&params, wanted(message->number));
    direction_bind(&params, message->direction);
    pg_text(&params, wanted(message->state));
    pg_text(&params, wanted(message->after));
    pg_int4(&params, message->count ? (int32_t)message->count : PAGE_DEFAULT);
    task_answer_by(task, STATEMENT_MESSAGE_LIST, &params);
}
