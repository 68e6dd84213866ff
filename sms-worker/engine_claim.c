// engine_claim: destinations that want rows → one statement → rows in their queues.
//
// One claim is out at a time; what wants rows meanwhile goes into the next one.
#include "sms-worker/engine.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "service/news.h"
#include "sms-worker/permit.h"
#include "store/statements.h"

enum { HELD_PER_TRANSFER = 4, PAUSE_MS = 200 };

// Columns of delivery_claim(), in its order.
enum claim_column {
    CLAIM_ID,
    CLAIM_EPOCH,
    CLAIM_TENANT,
    CLAIM_DESTINATION,
    CLAIM_MESSAGE,
    CLAIM_CONVERSATION,
    CLAIM_ATTEMPT,
    CLAIM_DUE_US,
    CLAIM_RECOVERED,
    CLAIM_FATE,
    CLAIM_ADDRESS,
    CLAIM_NUMBER,
    CLAIM_SEQUENCE,
    CLAIM_BODY,
    CLAIM_CONTENT,
    CLAIM_TRACEPARENT,
    CLAIM_PROVIDER,
    CLAIM_URL,
    CLAIM_HEADERS,
    CLAIM_SECRETS,
    CLAIM_SECRETS_NUMBER,
    CLAIM_CCID,
    CLAIM_FAILURES,
    CLAIM_ACCEPTED_US,
    CLAIM_AGE_US,  // since the message was accepted; the statement adds it
    CLAIM_NETWORKS // of its contact center, with the destination's settings; as before
};
enum claim_fate { FATE_SEND = 0, FATE_EXPIRED = 8, FATE_OPTED_OUT = 9, FATE_UNCERTAIN = 12 };

static void claimed(void *context, const struct pg_result *result, const struct err *err);

static int rows_free(const struct engine *engine)
{
    return (int)(engine->options.transfers * HELD_PER_TRANSFER) - (int)engine->held_count;
}

// Chooses who takes part, in the order of their turns.
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
        destination->due = false; // a doorbell from here on means something new
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

    struct pg_params params;
    pg_params_init(&params);
    pg_array(&params, PG_ELEMENT_INT4, engine->claim.count);
    for (size_t i = 0; i < engine->claim.count; i++)
        pg_add_int4(&params, engine->claim.destinations[i]->id);
    pg_array(&params, PG_ELEMENT_INT4, engine->claim.count);
    for (size_t i = 0; i < engine->claim.count; i++)
        pg_add_int4(&params, engine->claim.rooms[i]);
    pg_array(&params, PG_ELEMENT_INT8, engine->claim.count);
    for (size_t i = 0; i < engine->claim.count; i++)
        pg_add_int8(&params, claim_floor_take(&engine->claim.destinations[i]->floor));
    pg_int4(&params, engine->options.order_wait_ms);

    engine->claim.out = true;
    engine->claim.sent_us = clock_monotonic_us();
    engine->claim.sent_ms = clock_boot_ms();
    engine->calls++;
    pg_call(service_pg(engine->service), STATEMENT_DELIVERY_CLAIM, &params, claimed, engine);
}

// ---- the rows came

static struct delivery *delivery_new(struct destination *destination,
                                     const struct pg_result *result, size_t row)
{
    struct arena *arena = arena_new();
    struct delivery *delivery = ARENA_ALLOC(arena, struct delivery);
    *delivery = (struct delivery){
        .arena = arena,
        .destination = destination,
        .provider = provider_of(pg_get_text(result, row, CLAIM_PROVIDER)),
        .id = pg_get_int8(result, row, CLAIM_ID),
        .due_us = pg_get_int8(result, row, CLAIM_DUE_US),
        .claimed_ms = clock_monotonic_ms(),
        .claimed_us = clock_monotonic_us(),
        .permitted_ms = destination->engine->claim.sent_ms + PERMIT_MS,
        .epoch = pg_get_int4(result, row, CLAIM_EPOCH),
        .tenant = (uint32_t)pg_get_int4(result, row, CLAIM_TENANT),
        .attempt = (unsigned)pg_get_int2(result, row, CLAIM_ATTEMPT),
        .probe = pg_get_int4(result, row, CLAIM_FAILURES) > 0,
        .message =
            {
                .id = pg_get_id(result, row, CLAIM_MESSAGE),
                .from = arena_copy(arena, pg_get_text(result, row, CLAIM_NUMBER)),
                .to = arena_copy(arena, pg_get_text(result, row, CLAIM_ADDRESS)),
                .text = arena_copy(arena, pg_get_text(result, row, CLAIM_BODY)),
            },
    };
    if (!pg_is_null(result, row, CLAIM_CONVERSATION)) {
        delivery->message.conversation = pg_get_id(result, row, CLAIM_CONVERSATION);
        delivery->message.sequence = pg_get_int4(result, row, CLAIM_SEQUENCE);
    }
    if (!pg_is_null(result, row, CLAIM_CONTENT))
        delivery->message.content = arena_copy(arena, pg_get_text(result, row, CLAIM_CONTENT));
    return delivery;
}

static void take_row(struct engine *engine, size_t at, const struct pg_result *result, size_t row)
{
    struct destination *destination = engine->claim.destinations[at];
    destination->tenant = (uint32_t)pg_get_int4(result, row, CLAIM_TENANT);
    if (!pg_is_null(result, row, CLAIM_URL))
        destination_configure(destination,
                              &(struct destination_settings){
                                  .url = pg_get_text(result, row, CLAIM_URL),
                                  .headers = pg_get_text(result, row, CLAIM_HEADERS),
                                  .secrets = pg_get_text(result, row, CLAIM_SECRETS),
                                  .secrets_number = pg_get_text(result, row, CLAIM_SECRETS_NUMBER),
                                  .networks = pg_get_text(result, row, CLAIM_NETWORKS),
                                  .ccid = pg_get_text(result, row, CLAIM_CCID)});
    destination->failures = pg_get_int4(result, row, CLAIM_FAILURES);

    struct delivery *delivery = delivery_new(destination, result, row);
    int64_t age_us = pg_get_int8(result, row, CLAIM_AGE_US);
    engine_trace_claimed(delivery, pg_get_text(result, row, CLAIM_TRACEPARENT),
                         clock_unix_us() - pg_get_int8(result, row, CLAIM_ACCEPTED_US));
    engine_metrics_claimed(delivery, age_us, pg_get_bool(result, row, CLAIM_RECOVERED));
    claim_floor_note(&destination->floor, delivery->due_us);
    if (delivery->due_us > engine->claim.newest_due_us[at])
        engine->claim.newest_due_us[at] = delivery->due_us;
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
    int fate = pg_get_int2(result, row, CLAIM_FATE);
    if (fate == FATE_EXPIRED)
        engine_metrics_ended(engine, ENGINE_EXPIRED);
    else if (fate == FATE_OPTED_OUT)
        engine_metrics_ended(engine, ENGINE_OPTED_OUT);
    else if (fate == FATE_UNCERTAIN)
        engine_metrics_ended(engine, ENGINE_HELD);
    destination->due = true; // younger ones of its conversation are free now
    claim_floor_lift(&destination->floor);
    news_tell(service_bus(engine->service), (uint32_t)pg_get_int4(result, row, CLAIM_TENANT));
}

static void take_rows(struct engine *engine, const struct pg_result *result)
{
    size_t at = 0; // rows come by destination, but not in the order we asked
    for (size_t row = 0; row < pg_rows(result); row++) {
        int32_t id = pg_get_int4(result, row, CLAIM_DESTINATION);
        size_t tried = 0;
        for (; tried < engine->claim.count && engine->claim.destinations[at]->id != id; tried++)
            at = (at + 1) % engine->claim.count;
        if (tried ==
            engine->claim.count) { // not asked for: its lease runs out; the others are ours
            LOG_ERROR("delivery.unasked_row", LOG_INT("destination", id));
            continue;
        }
        struct destination *destination = engine->claim.destinations[at];
        engine->claim.got[at]++;
        if (pg_get_bool(result, row, CLAIM_RECOVERED))
            metric_add(engine->metrics.lease_expired, 1);
        if (pg_get_int2(result, row, CLAIM_FATE) == FATE_SEND)
            take_row(engine, at, result, row);
        else
            note_ended(engine, destination, result, row);
    }
}

static void pause_over(uv_timer_t *timer)
{
    struct engine *engine = CONTAINER_OF(timer, struct engine, pause_timer);
    engine->paused = false;
    engine_claim(engine);
}

static void claimed(void *context, const struct pg_result *result, const struct err *err)
{
    struct engine *engine = context;
    engine->claim.out = false;
    engine->calls--;
    // Dying here: the rows are leased to nobody. After 30 s they are claimed again.
    bool lost = failpoint("delivery.after_claim");

    if (result && !lost)
        take_rows(engine, result);
    if (engine->held_count > engine->in_flight)
        engine_permits_watch(engine);
    for (size_t i = 0; i < engine->claim.count; i++) {
        struct destination *destination = engine->claim.destinations[i];
        destination->claiming = false;
        if (!result) { // ask again, for all that this claim may have been told of
            destination->due = true;
            claim_floor_lift(&destination->floor);
        } else if (engine->claim.got[i] == engine->claim.rooms[i]) { // there are more, due later
            destination->due = true;
            claim_floor_lower(&destination->floor, engine->claim.newest_due_us[i]);
        }
        if (engine->draining || destination->open_until_ms > clock_monotonic_ms())
            engine_give_back(destination); // they were on the way here meanwhile
        destination_settle(destination);
    }
    if (err && err->code != ERR_UNAVAILABLE) // that PostgreSQL is away is logged already
        LOG_WARN("delivery.claim_failed", LOG_ERR(err));
    if (err && !engine->draining) {
        engine->paused = true;
        uv_timer_start(&engine->pause_timer, pause_over, PAUSE_MS, 0);
    }
    engine_pump(engine);
    engine_claim(engine);
    engine_drain_check(engine);
}
