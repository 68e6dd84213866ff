// undelivered_replay: chosen → back in the queue under their old ids, in one transaction with the
// audit row → the doorbell rings → answered with how many.
#include "service/news.h"
#include "service/task_statement.h"
#include "sms-worker/engine.h"
#include "sms-worker/sms_worker.h"
#include "store/statements.h"
#include "wire/codec_json.h"

enum { IDS_LIMIT = 1000, REPLAY_DEFAULT = 1000 };

void on_undelivered_replay(struct task *task, const struct msg_undelivered_replay *message);

static pg_done_fn replayed;

// Empty means "not asked for", as absent does.
static struct str wanted(struct str text)
{
    return text.len > 0 ? text : STR_ABSENT;
}

// The ids to an array of uuid; absent: all.
static bool bind_ids(struct task *task, struct str json, struct pg_params *params, struct err *err)
{
    if (!str_present(json)) {
        pg_null(params);
        return true;
    }
    const struct json_view *list = NULL;
    if (!json_parse(json, task->arena, &list, err))
        return err_in(err, "ids");
    if (json_kind(list) != TREE_ARRAY)
        return err_set(err, ERR_BAD_INPUT, "ids: a list of message ids is wanted");
    struct id *ids = ARENA_ARRAY(task->arena, struct id, IDS_LIMIT);
    size_t count = 0;
    for (const struct json_view *item; (item = json_element(list, count)); count++) {
        if (count == IDS_LIMIT)
            return err_set(err, ERR_BAD_INPUT, "ids has more than %d elements", IDS_LIMIT);
        if (!id_parse(json_text(item), &ids[count]))
            return err_set(err, ERR_BAD_INPUT, "ids[%zu] is not the id of a message", count);
    }
    pg_array(params, PG_ELEMENT_UUID, count);
    for (size_t i = 0; i < count; i++)
        pg_add_id(params, ids[i]);
    return true;
}

// An empty request sends nothing: whoever means everything says since when.
static bool is_chosen(const struct msg_undelivered_replay *message)
{
    return str_present(message->ids) || message->reason.len || message->channel.len ||
           message->from.len || message->to.len;
}

void on_undelivered_replay(struct task *task, const struct msg_undelivered_replay *message)
{
    struct err err;
    struct pg_params params;
    if (!is_chosen(message)) {
        err_set(&err, ERR_BAD_INPUT, "ids, reason, channel, from or to: say which messages");
        task_fail(task, &err);
        return;
    }
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    if (!bind_ids(task, message->ids, &params, &err)) {
        pg_params_release(&params);
        task_fail(task, &err);
        return;
    }
    pg_text(&params, wanted(message->reason));
    pg_text(&params, wanted(message->channel));
    pg_text(&params, wanted(message->from));
    pg_text(&params, wanted(message->to));
    pg_int4(&params, message->limit ? (int32_t)message->limit : REPLAY_DEFAULT);
    pg_text(&params, task->envelope.principal.name);
    task_call(task, STATEMENT_UNDELIVERED_REPLAY, &params, replayed);
}

static void replayed(void *context, const struct pg_result *result, const struct err *err)
{
    enum { ANSWER, DESTINATION, REPLAYED };
    struct task *task = context;
    if (err) {
        task_fail(task, err);
        return;
    }
    // Dying here: they are in the queue; the sweep finds them without the bell.
    struct news news = {0};
    news_of_tenant(&news, task_tenant(task));
    for (size_t row = 0; row < pg_rows(result); row++) {
        if (pg_is_null(result, row, DESTINATION))
            continue; // none was chosen
        int32_t destination = pg_get_int4(result, row, DESTINATION);
        metric_add(metrics_series(service_metrics(task->service), METRIC_REPLAYED),
                   (uint64_t)pg_get_int4(result, row, REPLAYED));
        engine_doorbell(sms_worker_of(task->service)->engine, destination);
        news_of_destination(&news, (uint32_t)destination); // for the other workers
    }
    news_send(&news, service_bus(task->service));
    task_reply_json(task, pg_get_text(result, 0, ANSWER));
}
