// engine_wake: a destination is claimed again when one of its retries is due.
#include "base/clock.h"
#include "sms-worker/delivery/engine_parts.h"

static void wake_due(uv_timer_t *timer);

static void wake_start(struct engine *engine, int64_t at_ms)
{
    if (engine->draining || (engine->wake_ms && engine->wake_ms <= at_ms))
        return;
    int64_t wait_ms = at_ms - clock_monotonic_ms();
    engine->wake_ms = at_ms;
    uv_timer_start(&engine->wake_timer, wake_due, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

void engine_wake_in(struct destination *destination, int64_t delay_ms)
{
    retry_timer_add(&destination->retry_timer, clock_monotonic_ms(), delay_ms);
    int64_t next_ms = retry_timer_next_ms(&destination->retry_timer);
    if (next_ms)
        wake_start(destination->engine, next_ms);
}

static void wake_due(uv_timer_t *timer)
{
    struct engine *engine = CONTAINER_OF(timer, struct engine, wake_timer);
    int64_t now_ms = clock_monotonic_ms();
    struct str key;
    void *value;
    engine->wake_ms = 0;
    for (size_t cursor = 0; map_next(engine->destinations, &cursor, &key, &value);) {
        struct destination *destination = value;
        if (retry_timer_take(&destination->retry_timer, now_ms)) {
            destination->due = true;
            destination_settle(destination);
        }
        int64_t next_ms = retry_timer_next_ms(&destination->retry_timer);
        if (next_ms)
            wake_start(engine, next_ms);
    }
    engine_turn(engine);
}
