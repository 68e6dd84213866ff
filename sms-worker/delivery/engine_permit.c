// engine_permit: rows that wait too long are checked again before they are sent (permit.h).
#include "base/clock.h"
#include "sms-worker/delivery/engine_parts.h"
#include "sms-worker/delivery/permit.h"
#include "store/statements.h"
#include "telemetry/log.h"

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

// Numbers the rows to be checked: their place in the check.
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
    AUTO(buf) rows = {0};
    struct pg_params params;

    if (count == 0)
        return;
    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        struct row_DELIVERY_RENEW row = {.ids = delivery->id, .epochs = delivery->epoch};
        if (delivery->asked)
            buf_append(&rows, &row, sizeof row);
    }
    BIND_ROWS(&params, DELIVERY_RENEW, (const void *)rows.data, count);
    engine->permits.out = true;
    engine->permits.asked_ms = now_ms;
    engine_call(engine, &params, renewed);
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

// A row in the queue is given back. One that waits for its connection is refused when that is
// established.
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
    if (err && err->code != ERR_UNAVAILABLE) // checked again; until then none of its rows is sent
        LOG_WARN("delivery.not_checked_again", LOG_ERR(err));
    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        size_t place = delivery->asked;
        delivery->asked = 0;
        if (place == 0 || !result)
            continue;
        if (GET(result, place - 1, DELIVERY_RENEW, delivery_renew))
            delivery->permitted_ms = engine->permits.asked_ms + PERMIT_MS;
        else
            engine_withdraw(delivery);
        delivery->destination->stale = false;
        destination_settle(delivery->destination);
    }
    engine_call_ended(engine);
}
