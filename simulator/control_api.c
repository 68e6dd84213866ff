// control_api: control of the simulated outside world by tests and operators: knobs, messages,
// counts.
#include "simulator/simulator.h"
#include "wire/json/codec_json.h"

enum { MESSAGES_COUNT_DEFAULT = 1000, MESSAGES_COUNT_LIMIT = 10000 };

static const struct str ok_json = STR_INIT("{\"status\":\"ok\"}");

static void knobs_answer(struct http_request *request, const struct knobs *knobs)
{
    AUTO(buf) json = {0};

    knobs_write(knobs, &json);
    simulator_answer(request, 200, buf_str(&json));
}

// GET /sim/knobs[/{channel}]
void on_knobs_get(struct simulator *simulator, struct http_request *request, struct str rest)
{
    const struct knobs *knobs = channels_default_knobs(simulator->channels);

    if (rest.len > 0)
        knobs = channel_knobs(simulator->channels, channels_get(simulator->channels, rest));
    knobs_answer(request, knobs);
}

// PUT /sim/knobs[/{channel}]: sets the knobs that the body names, and does not change the others.
void on_knobs_put(struct simulator *simulator, struct http_request *request, struct str rest)
{
    struct knobs *knobs = channels_default_knobs(simulator->channels);
    const struct json_view *body;
    struct err err;

    if (rest.len > 0)
        knobs = channel_own_knobs(simulator->channels, channels_get(simulator->channels, rest));
    if (json_parse(http_body(request), http_arena(request), &body, &err) &&
        knobs_read(body, http_arena(request), knobs, &err))
        knobs_answer(request, knobs);
    else
        simulator_answer_error(request, &err);
}

// DELETE /sim/knobs: everything as at the start.
void on_knobs_delete(struct simulator *simulator, struct http_request *request, struct str rest)
{
    (void)rest;
    channels_reset_knobs(simulator->channels);
    simulator_answer(request, 200, ok_json);
}

static bool query_number(struct http_request *request, struct str name, int64_t maximum,
                         int64_t *number)
{
    struct str value = simulator_query(request, name);

    return !str_present(value) || str_to_int(value, 0, maximum, number);
}

// GET /sim/messages?after=&count=&number=
void on_messages_get(struct simulator *simulator, struct http_request *request, struct str rest)
{
    AUTO(buf) json = {0};
    int64_t after = 0, count = MESSAGES_COUNT_DEFAULT;
    struct err err;

    (void)rest;
    if (!query_number(request, STR("after"), INT64_MAX - 1, &after) ||
        !query_number(request, STR("count"), MESSAGES_COUNT_LIMIT, &count)) {
        err_set(&err, ERR_BAD_INPUT, "after and count are whole numbers, count at most %d",
                MESSAGES_COUNT_LIMIT);
        simulator_answer_error(request, &err);
        return;
    }
    history_write(simulator->history, (uint64_t)after, simulator_query(request, STR("number")),
                  (size_t)count, &json);
    simulator_answer(request, 200, buf_str(&json));
}

// DELETE /sim/messages: forgets messages and counts.
void on_messages_delete(struct simulator *simulator, struct http_request *request, struct str rest)
{
    (void)rest;
    history_clear(simulator->history);
    channels_reset_counts(simulator->channels);
    simulator_answer(request, 200, ok_json);
}

// GET /sim/stats
void on_stats(struct simulator *simulator, struct http_request *request, struct str rest)
{
    AUTO(buf) json = {0};

    (void)rest;
    channels_write_counts(simulator->channels, &json);
    simulator_answer(request, 200, buf_str(&json));
}

// GET /health/live
void on_live(struct simulator *simulator, struct http_request *request, struct str rest)
{
    (void)simulator;
    (void)rest;
    simulator_answer(request, 200, ok_json);
}
