// engine_answers: stores the last answers of destinations in PostgreSQL for people to see: with
// each sweep, sooner when a destination begins to fail, and at the end. Answers that could not be
// stored are stored by the next sweep. A worker that stops does this last; after a crash the next
// answer is stored instead.
#include "base/clock.h"
#include "sms-worker/delivery/engine_parts.h"
#include "store/statements.h"
#include "telemetry/log.h"

enum {
    ANSWERS_LIMIT = 1000,  // of one statement; the next one stores the others
    ANSWERS_SOON_MS = 500, // after one that began to fail
};

static void answers_bind(struct destination *const *news, size_t count, struct pg_params *params)
{
    struct row_DESTINATION_ANSWERS rows[ANSWERS_LIMIT];
    int64_t now_ms = clock_monotonic_ms();

    for (size_t i = 0; i < count; i++)
        rows[i] = (struct row_DESTINATION_ANSWERS){
            .ids = news[i]->id,
            .ages_ms = (int32_t)(now_ms - news[i]->last.at_ms),
            .statuses = news[i]->last.status,
            .decisions = (int16_t)news[i]->last.decision,
            .details = news[i]->last.detail[0] ? str_of(news[i]->last.detail) : STR_ABSENT,
            .goods = news[i]->last.good,
        };
    BIND_ROWS(params, DESTINATION_ANSWERS, rows, count);
}

static size_t collect(struct engine *engine, struct destination *news[static ANSWERS_LIMIT])
{
    size_t count = 0;
    struct str key;
    void *value;

    for (size_t cursor = 0;
         count < ANSWERS_LIMIT && map_next(engine->destinations, &cursor, &key, &value);) {
        struct destination *destination = value;
        if (destination->last.storage != ANSWER_UNSTORED)
            continue;
        destination->last.storage = ANSWER_BEING_STORED;
        news[count++] = destination;
    }
    return count;
}

static void answers_settle(struct engine *engine, bool is_stored)
{
    struct str key;
    void *value;

    for (size_t cursor = 0; map_next(engine->destinations, &cursor, &key, &value);) {
        struct destination *destination = value;
        if (destination->last.storage == ANSWER_BEING_STORED)
            destination->last.storage = is_stored ? ANSWER_STORED : ANSWER_UNSTORED;
    }
}

static void answers_stored(void *context, const struct pg_result *result, const struct err *err)
{
    (void)result;
    struct engine *engine = context;
    engine->answers.out = false;
    answers_settle(engine, !err);
    if (err && err->code != ERR_UNAVAILABLE) // that PostgreSQL is away is logged already
        LOG_WARN("delivery.answers_not_stored", LOG_ERR(err));
    if (engine->answers.then)
        engine->answers.then(engine);
    engine_call_ended(engine);
}

bool engine_send_answers(struct engine *engine, void (*then)(struct engine *engine))
{
    struct destination *news[ANSWERS_LIMIT];
    struct pg_params params;

    if (engine->answers.out)
        return false;
    size_t count = collect(engine, news);
    if (count == 0)
        return false;
    answers_bind(news, count, &params);
    engine->answers.out = true;
    engine->answers.then = then;
    engine_call(engine, &params, answers_stored);
    return true;
}

static void send_answers_soon(uv_timer_t *timer)
{
    (void)engine_send_answers(CONTAINER_OF(timer, struct engine, answers_timer), NULL);
}

void engine_send_answers_soon(struct engine *engine)
{
    if (!engine->draining && !uv_is_active((uv_handle_t *)&engine->answers_timer))
        uv_timer_start(&engine->answers_timer, send_answers_soon, ANSWERS_SOON_MS, 0);
}
