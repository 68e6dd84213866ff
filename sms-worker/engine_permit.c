// engine_permit: rows that wait too long are checked again before they are sent (permit.h).
#include "base/clock.h"
#include "base/log.h"
#include "sms-worker/engine.h"
#include "sms-worker/permit.h"
#include "store/statements.h"

static void renewed(void *context, const struct pg_result *result, const struct err *err);
static void tick(uv_timer_t *timer);

bool engine_may_begin(const struct delivery *delivery)
{
    return clock_boot_ms() < delivery->permitted_ms;
}

static bool waits(const struct delivery *delivery)
{
    return delivery->stage < DELIVERY_ON_THE_WIRE && delivery->permitted_ms > 0;
}

static bool is_stale(const struct delivery *delivery, int64_t now_ms)
{
    return waits(delivery) && now_ms >= delivery->permitted_ms - PERMIT_MS + PERMIT_STALE_MS;
}

// Numbers those that are to be asked about: their place in the question.
static size_t choose(struct engine *engine, int64_t now_ms)
{
    size_t count = 0;

    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        delivery->asked = is_stale(delivery, now_ms) ? (unsigned)++count : 0;
    }
    return count;
}

static void renew(struct engine *engine)
{
    int64_t now_ms = clock_boot_ms();
    size_t count = choose(engine, now_ms);
    struct pg_params params;

    if (count == 0)
        return;
    pg_params_init(&params);
    pg_array(&params, PG_ELEMENT_INT8, count);
    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        if (delivery->asked)
            pg_add_int8(&params, delivery->id);
    }
    pg_array(&params, PG_ELEMENT_INT4, count);
    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        if (delivery->asked)
            pg_add_int4(&params, delivery->epoch);
    }
    engine->permits.out = true;
    engine->permits.asked_ms = now_ms;
    engine->calls++;
    pg_call(service_pg(engine->service), STATEMENT_DELIVERY_RENEW, &params, renewed, engine);
}

void engine_permits_watch(struct engine *engine)
{
    if (!uv_is_active((uv_handle_t *)&engine->permits.timer))
        uv_timer_start(&engine->permits.timer, tick, PERMIT_TICK_MS, 0);
}

static void tick(uv_timer_t *timer)
{
    struct engine *engine = CONTAINER_OF(timer, struct engine, permits.timer);

    if (!engine->permits.out)
        renew(engine);
    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        if (waits(delivery)) {
            engine_permits_watch(engine);
            return;
        }
    }
}

// Nothing of it leaves any more. What waits for its connection is refused when that stands.
void engine_withdraw(struct delivery *delivery)
{
    struct destination *destination = delivery->destination;

    if (delivery->stage == DELIVERY_CONNECTING)
        delivery->permitted_ms = 0;
    if (delivery->stage != DELIVERY_QUEUED)
        return;
    list_remove(&delivery->queued);
    destination->queued--;
    engine_complete(delivery, &(struct outcome){.kind = OUTCOME_GIVEN_BACK});
    destination_settle(destination);
}

static void renewed(void *context, const struct pg_result *result, const struct err *err)
{
    struct engine *engine = context;

    engine->permits.out = false;
    engine->calls--;
    if (err && err->code != ERR_UNAVAILABLE) // asked again; until then nothing of it is sent
        LOG_WARN("delivery.not_checked_again", LOG_ERR(err));
    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        size_t place = delivery->asked;
        delivery->asked = 0;
        if (place == 0 || !result)
            continue;
        if (pg_get_bool(result, place - 1, 0))
            delivery->permitted_ms = engine->permits.asked_ms + PERMIT_MS;
        else
            engine_withdraw(delivery);
        delivery->destination->stale = false;
        destination_settle(delivery->destination);
    }
    engine_pump(engine);
    engine_claim(engine);
    engine_drain_check(engine);
}
