// engine_claim: destinations that want rows → one statement → rows in their queues.
//
// One claim is in flight at a time; destinations that want rows meanwhile join the next one.
#include "sms-worker/delivery/engine_parts.h"

#include "base/clock.h"
#include "process/failpoint.h"
#include "service/tasks/change_hints.h"
#include "sms-worker/delivery/permit.h"
#include "store/statements.h"
#include "telemetry/log.h"

enum { HELD_PER_TRANSFER = 4, PAUSE_MS = 200 };

enum { FATE_SEND = 0 }; // or the state in which the message ended

static void claimed(void *context, const struct pg_result *result, const struct err *err);

static int rows_free(const struct engine *engine)
{
    return (int)(engine->options.transfers * HELD_PER_TRANSFER) - (int)engine->held_count;
}

// Chooses the destinations of the claim, in the order of their turns.
static void choose(struct engine *engine)
{
    struct schedule_entry *entry;
    int left = rows_free(engine);
    engine->claim.count = 0;
    while (left > 0 && engine->claim.count < ENGINE_CLAIM_DESTINATIONS &&
           (entry = schedule_next(&engine->hungry, SCHEDULE_FAST))) {
        struct destination *destination = CONTAINER_OF(entry, struct destination, hungry);
        int room = destination_room(destination);
        if (room == 0) { // its window shrank meanwhile; it comes back when rows of it are done
            schedule_remove(entry);
            continue;
        }
        room = room < left ? room : left;
        left -= room;
        schedule_charge(entry, room);
        destination->due = false; // a doorbell from here on means new rows
        destination->claiming = true;
        destination_settle(destination);
        engine->claim.destinations[engine->claim.count] = destination;
        engine->claim.rooms[engine->claim.count] = room;
        engine->claim.got[engine->claim.count] = 0;
        engine->claim.newest_due_us[engine->claim.count] = 0;
        engine->claim.count++;
    }
}

void engine_claim(struct engine *engine)
{
    if (engine->claim.out || engine->paused || engine->draining)
        return;
    choose(engine);
    if (engine->claim.count == 0)
        return;

    struct row_DELIVERY_LEASE rows[ENGINE_CLAIM_DESTINATIONS];
    struct pg_params params;
    for (size_t i = 0; i < engine->claim.count; i++)
        rows[i] = (struct row_DELIVERY_LEASE){
            .destinations = engine->claim.destinations[i]->id,
            .rooms = engine->claim.rooms[i],
            .floors_us = claim_floor_take(&engine->claim.destinations[i]->floor),
        };
    bind_DELIVERY_LEASE(
        &params, &(struct values_DELIVERY_LEASE){.order_wait_ms = engine->options.order_wait_ms},
        rows, engine->claim.count);

    engine->claim.out = true;
    engine->claim.sent_us = clock_monotonic_us();
    engine->claim.sent_ms = clock_boot_ms();
    engine_call(engine, &params, claimed);
}

// ---- the rows arrive

static struct delivery *delivery_new(struct destination *destination,
                                     const struct pg_result *result, size_t row)
{
    struct arena *arena = arena_new();
    struct delivery *delivery = ARENA_ALLOC(arena, struct delivery);
    *delivery = (struct delivery){
        .arena = arena,
        .destination = destination,
        .provider = provider_of(GET(result, row, DELIVERY_LEASE, provider)),
        .id = GET(result, row, DELIVERY_LEASE, id),
        .due_us = GET(result, row, DELIVERY_LEASE, due_us),
        .claimed_ms = clock_monotonic_ms(),
        .claimed_us = clock_monotonic_us(),
        .permitted_ms = destination->engine->claim.sent_ms + PERMIT_MS,
        .epoch = GET(result, row, DELIVERY_LEASE, lease_epoch),
        .tenant = (uint32_t)GET(result, row, DELIVERY_LEASE, tenant_id),
        .attempt = (unsigned)GET(result, row, DELIVERY_LEASE, attempt),
        .probe = GET(result, row, DELIVERY_LEASE, failures) > 0,
        .message =
            {
                .id = GET(result, row, DELIVERY_LEASE, message_id),
                .from = arena_copy(arena, GET(result, row, DELIVERY_LEASE, number)),
                .to = arena_copy(arena, GET(result, row, DELIVERY_LEASE, address)),
                .text = arena_copy(arena, GET(result, row, DELIVERY_LEASE, body)),
            },
    };
    if (!IS_NULL(result, row, DELIVERY_LEASE, conversation_id)) {
        delivery->message.conversation = GET(result, row, DELIVERY_LEASE, conversation_id);
        delivery->message.sequence = GET(result, row, DELIVERY_LEASE, sequence);
    }
    if (!IS_NULL(result, row, DELIVERY_LEASE, content))
        delivery->message.content = arena_copy(arena, GET(result, row, DELIVERY_LEASE, content));
    return delivery;
}

static void take_row(struct engine *engine, struct destination *destination,
                     const struct pg_result *result, size_t row)
{
    destination->tenant = (uint32_t)GET(result, row, DELIVERY_LEASE, tenant_id);
    if (!IS_NULL(result, row, DELIVERY_LEASE, url))
        destination_configure(
            destination, &(struct destination_settings){
                             .url = GET(result, row, DELIVERY_LEASE, url),
                             .headers = GET(result, row, DELIVERY_LEASE, headers),
                             .secrets = GET(result, row, DELIVERY_LEASE, secrets),
                             .secrets_number = GET(result, row, DELIVERY_LEASE, secrets_number),
                             .networks = GET(result, row, DELIVERY_LEASE, networks),
                             .ccid = GET(result, row, DELIVERY_LEASE, ccid)});
    destination->failures = GET(result, row, DELIVERY_LEASE, failures);

    struct delivery *delivery = delivery_new(destination, result, row);
    int64_t age_us = GET(result, row, DELIVERY_LEASE, age_us);
    engine_trace_claimed(delivery, GET(result, row, DELIVERY_LEASE, traceparent),
                         clock_unix_us() - GET(result, row, DELIVERY_LEASE, accepted_us));
    engine_metrics_claimed(delivery, age_us, GET(result, row, DELIVERY_LEASE, recovered));
    claim_floor_note(&destination->floor, delivery->due_us);
    list_append(&destination->queue, &delivery->queued);
    list_append(&engine->held, &delivery->held);
    destination->queued++;
    destination->held++;
    engine->held_count++;
}

// PostgreSQL ended it in the claim's transaction.
static void note_ended(struct engine *engine, struct destination *destination,
                       const struct pg_result *result, size_t row)
{
    int fate = GET(result, row, DELIVERY_LEASE, fate);
    if (fate == STATE_EXPIRED)
        engine_metrics_ended(engine, ENGINE_EXPIRED);
    else if (fate == STATE_OPTED_OUT)
        engine_metrics_ended(engine, ENGINE_OPTED_OUT);
    else if (fate == STATE_UNCERTAIN)
        engine_metrics_ended(engine, ENGINE_HELD);
    destination->due = true; // younger ones of its conversation are free now
    claim_floor_reset(&destination->floor);
    change_hints_send_tenant(service_bus(engine->service),
                             (uint32_t)GET(result, row, DELIVERY_LEASE, tenant_id));
}

// The index of a destination in the claim; the count if it is not part of it. Rows are grouped by
// destination, but not in the order of the claim, so the search begins where the last one ended.
static size_t place_of(const struct engine *engine, size_t last, int32_t id)
{
    for (size_t tried = 0; tried < engine->claim.count; tried++) {
        size_t place = (last + tried) % engine->claim.count;
        if (engine->claim.destinations[place]->id == id)
            return place;
    }
    return engine->claim.count;
}

// Rows that must not be sent any more are returned, although they were already claimed.
static void settle_claimed(struct destination *destination)
{
    if (destination->engine->draining || destination->open_until_ms > clock_monotonic_ms())
        engine_give_back(destination);
    destination_settle(destination);
}

// A row may have moved to another destination during the claim. It is leased to us like the others,
// so it is sent like them. NULL when the table is full: then its lease runs out.
static struct destination *unasked(struct engine *engine, int32_t id)
{
    LOG_WARN("delivery.unasked_row", LOG_INT("destination", id));
    return destination_get(engine, id);
}

static void take_rows(struct engine *engine, const struct pg_result *result)
{
    size_t place = 0;

    for (size_t row = 0; row < pg_rows(result); row++) {
        int32_t id = GET(result, row, DELIVERY_LEASE, destination_id);
        bool is_recovered = GET(result, row, DELIVERY_LEASE, recovered);
        size_t found = place_of(engine, place, id);
        bool is_asked = found < engine->claim.count;
        struct destination *destination =
            is_asked ? engine->claim.destinations[found] : unasked(engine, id);

        if (!destination)
            continue;
        if (is_recovered)
            metric_add(engine->metrics.lease_expired, 1);
        if (GET(result, row, DELIVERY_LEASE, fate) == FATE_SEND)
            take_row(engine, destination, result, row);
        else
            note_ended(engine, destination, result, row);
        if (!is_asked) {
            settle_claimed(destination);
            continue;
        }
        place = found;
        engine->claim.got[place]++;
        if (GET(result, row, DELIVERY_LEASE, due_us) > engine->claim.newest_due_us[place])
            engine->claim.newest_due_us[place] = GET(result, row, DELIVERY_LEASE, due_us);
    }
}

static void pause_over(uv_timer_t *timer)
{
    struct engine *engine = CONTAINER_OF(timer, struct engine, pause_timer);
    engine->paused = false;
    engine_turn(engine);
}

static void claimed(void *context, const struct pg_result *result, const struct err *err)
{
    struct engine *engine = context;
    engine->claim.out = false;
    // A crash here: the rows stay leased to a dead process. After 30 s they are claimed again.
    bool lost = failpoint("delivery.after_claim");

    if (result && !lost)
        take_rows(engine, result);
    if (engine->held_count > engine->in_flight)
        engine_permits_watch(engine);
    for (size_t i = 0; i < engine->claim.count; i++) {
        struct destination *destination = engine->claim.destinations[i];
        destination->claiming = false;
        if (!result) { // claim again for all destinations of this claim
            destination->due = true;
            claim_floor_reset(&destination->floor);
        } else if (engine->claim.got[i] ==
                   engine->claim.rooms[i]) { // there are more rows, due later
            destination->due = true;
            claim_floor_lower(&destination->floor, engine->claim.newest_due_us[i]);
        }
        settle_claimed(destination);
    }
    if (err && err->code != ERR_UNAVAILABLE) // that PostgreSQL is away is logged already
        LOG_WARN("delivery.claim_failed", LOG_ERR(err));
    if (err && !engine->draining) {
        engine->paused = true;
        uv_timer_start(&engine->pause_timer, pause_over, PAUSE_MS, 0);
    }
    engine_call_ended(engine);
}
