// undelivered_replay: chooses messages → puts them back into the queue under their old ids, in one
// transaction with the audit row → rings the doorbell → answers with their number.
#include "service/tasks/change_hints.h"
#include "service/tasks/task_statement.h"
#include "sms-worker/delivery/engine.h"
#include "sms-worker/handlers.h"
#include "sms-worker/sms_worker.h"
#include "store/statements.h"
#include "wire/json/codec_json.h"

enum { IDS_LIMIT = 1000, REPLAY_DEFAULT = 1000 };

static pg_done_fn replayed;

// An empty parameter counts as absent.
static struct str wanted(struct str text)
{
    return text.len > 0 ? text : STR_ABSENT;
}

// The ids as an array of uuid; absent: all, which is NULL to the statement.
static bool ids_read(struct task *task, struct str json, struct pg_ids *chosen, struct err *err)
{
    *chosen = (struct pg_ids){0};
    if (!str_present(json))
        return true;
    const struct json_view *list = NULL;
    if (!json_parse(json, task->arena, &list, err))
        return err_in(err, "ids");
    if (json_kind(list) != TREE_ARRAY)
        return err_set(err, ERR_BAD_INPUT, "ids: must be a list of message ids");
    struct id *ids = ARENA_ARRAY(task->arena, struct id, IDS_LIMIT);
    size_t count = 0;
    for (const struct json_view *item; (item = json_element(list, count)); count++) {
        if (count == IDS_LIMIT)
            return err_set(err, ERR_BAD_INPUT, "ids has more than %d elements", IDS_LIMIT);
        if (!id_parse(json_text(item), &ids[count]))
            return err_set(err, ERR_BAD_INPUT, "ids[%zu] is not the id of a message", count);
    }
    *chosen = (struct pg_ids){ids, count};
    return true;
}

// An empty request is refused; to replay everything, "from" or "to" must be given.
static bool is_chosen(const struct msg_undelivered_replay *message)
{
    return str_present(message->ids) || message->reason.len || message->channel.len ||
           message->from.len || message->to.len;
}

void on_undelivered_replay(struct task *task, const struct msg_undelivered_replay *message)
{
    struct err err;
    struct pg_ids ids;
    struct pg_params params;
    if (!is_chosen(message)) {
        err_set(&err, ERR_BAD_INPUT, "ids, reason, channel, from or to: say which messages");
        task_fail(task, &err);
        return;
    }
    if (!ids_read(task, message->ids, &ids, &err)) {
        task_fail(task, &err);
        return;
    }
    BIND(&params, UNDELIVERED_REPLAY, .tenant = (int32_t)task_tenant(task), .ids = ids,
         .reason = wanted(message->reason), .channel = wanted(message->channel),
         .from = wanted(message->from), .to = wanted(message->to),
         .room = message->limit ? (int32_t)message->limit : REPLAY_DEFAULT,
         .by = task->envelope.principal.name);
    task_call(task, &params, replayed);
}

static void replayed(void *context, const struct pg_result *result, const struct err *err)
{
    struct task *task = context;
    if (err) {
        task_fail(task, err);
        return;
    }
    // A crash here: they are in the queue; the sweep finds them without the doorbell.
    struct change_hints hints = {0};
    change_hints_add_tenant(&hints, task_tenant(task));
    for (size_t row = 0; row < pg_rows(result); row++) {
        if (IS_NULL(result, row, UNDELIVERED_REPLAY, destination_id))
            continue; // none was chosen
        int32_t destination = GET(result, row, UNDELIVERED_REPLAY, destination_id);
        metric_add(metrics_series(service_metrics(task->service), METRIC_REPLAYED),
                   (uint64_t)GET(result, row, UNDELIVERED_REPLAY, replayed));
        engine_doorbell(sms_worker_of(task->service)->engine, destination);
        change_hints_add_destination(&hints, (uint32_t)destination); // for the other workers
    }
    change_hints_send(&hints, service_bus(task->service));
    task_reply_json(task, GET(result, 0, UNDELIVERED_REPLAY, answer));
}
