// engine_leases: prolongs the leases of held rows as long as they are ours.
#include "sms-worker/delivery/engine_parts.h"
#include "store/statements.h"
#include "telemetry/log.h"

enum { LEASES_MS = 10000 };

// A lost row may be held a second time meanwhile, under a later epoch.
struct lease {
    int64_t id;
    int64_t epoch; // as wide as the id: no bytes between them
};

static struct str key_of(const struct lease *lease)
{
    return str_make(lease, sizeof *lease);
}

// Their requests must not begin; requests already sent are fenced when they complete.
static void withdraw_lost(struct engine *engine, const struct pg_result *result)
{
    struct map *lost = map_new();

    for (size_t row = 0; row < pg_rows(result); row++) {
        struct lease lease = {GET(result, row, DELIVERY_PROLONG, id),
                              GET(result, row, DELIVERY_PROLONG, epoch)};
        map_put(lost, key_of(&lease), engine);
    }
    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        struct lease lease = {delivery->id, delivery->epoch};
        if (map_get(lost, key_of(&lease)))
            engine_withdraw(delivery);
    }
    map_free(&lost);
}

// delivery_prolong() returns the rows that are no longer ours: none, unless this process was
// stopped.
static void prolonged(void *context, const struct pg_result *result, const struct err *err)
{
    struct engine *engine = context;

    if (err)
        LOG_WARN("delivery.leases_not_extended", LOG_ERR(err));
    if (result && pg_rows(result) > 0)
        withdraw_lost(engine, result);
    engine_call_ended(engine);
}

static void prolong(uv_timer_t *timer)
{
    struct engine *engine = CONTAINER_OF(timer, struct engine, lease_timer);
    AUTO(buf) rows = {0};
    struct pg_params params;

    if (engine->held_count == 0)
        return;
    LIST_EACH (&engine->held, struct delivery, held, delivery) {
        struct row_DELIVERY_PROLONG row = {.ids = delivery->id, .epochs = delivery->epoch};
        buf_append(&rows, &row, sizeof row);
    }
    BIND_ROWS(&params, DELIVERY_PROLONG, (const void *)rows.data, engine->held_count);
    engine_call(engine, &params, prolonged);
}

void engine_leases_start(struct engine *engine)
{
    uv_timer_start(&engine->lease_timer, prolong, LEASES_MS, LEASES_MS);
}
