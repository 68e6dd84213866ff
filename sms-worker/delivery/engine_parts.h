// engine_parts: what the parts of the engine share; no other file includes it. The flow is in
// engine.h.
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "bus/health_reason.h"
#include "service/service.h"
#include "sms-worker/delivery/engine.h"
#include "sms-worker/delivery/engine_metrics.h"
#include "sms-worker/pacing/breaker.h"
#include "sms-worker/pacing/claim_floor.h"
#include "sms-worker/pacing/retry_timer.h"
#include "sms-worker/pacing/schedule.h"
#include "sms-worker/pacing/window.h"
#include "sms-worker/providers/provider.h"
#include "store/batcher.h"
#include "store/numbers.h"
#include "telemetry/log.h"
#include "telemetry/trace.h"

enum {
    ENGINE_CLAIM_DESTINATIONS = 64, // in one claim
    ENGINE_PREFETCH_WINDOWS = 4,
    DESTINATION_DETAIL_BYTES = 160,
};

enum delivery_stage { DELIVERY_QUEUED, DELIVERY_CONNECTING, DELIVERY_ON_THE_WIRE, DELIVERY_ENDED };

enum { OUTCOME_KINDS = OUTCOME_CONFLICT + 1 };

// A decision about an attempt is the class of its answer, or the reason why there was none.
_Static_assert((int)RETRY_CLASS_OK == (int)DECISION_OK, "");
_Static_assert((int)RETRY_CLASS_RETRY == (int)DECISION_RETRY, "");
_Static_assert((int)RETRY_CLASS_CONFIG == (int)DECISION_CONFIG, "");
_Static_assert((int)RETRY_CLASS_PERMANENT == (int)DECISION_PERMANENT, "");
_Static_assert((int)RETRY_CLASS_GONE == (int)DECISION_GONE, "");

struct outcome {
    enum attempt_outcome kind;
    int64_t delay_ms;       // RETRY, UNCERTAIN
    struct str provider_id; // SENT, where the provider names one
    struct str reason;      // FAILED, and UNCERTAIN when there is no further attempt
    int status;             // of the answer; 0: there was none
    int64_t duration_ms;
    int decision;
    struct str detail; // the masked answer, or why there was none; absent after a success
};

// A leased row. It is in its destination's queue until it is sent, and in the engine's list of held
// rows until its outcome is stored.
struct delivery {
    struct list queued, held;
    struct batch_item item;
    struct arena *arena; // the arena also holds this struct
    struct destination *destination;
    const struct provider *provider;
    struct outgoing message;
    struct outcome outcome;
    int64_t id;
    int64_t due_us;                           // PostgreSQL's clock
    int64_t claimed_ms;                       // our monotonic one, as the following
    int64_t claimed_us, accepted_us, sent_us; // sent: 0 where it was not
    size_t sent_bytes;                        // of the body; 0: it was not sent
    struct trace trace;                       // where its message was stored
    uint64_t claim_span;
    enum delivery_stage stage;
    int64_t permitted_ms; // until then its sending may begin (clock_boot_ms()); 0: it must not
    unsigned asked;       // its place in the check in flight; 0: not part of it
    bool undelivered;     // its outcome was stored, and its message is now in undelivered
    int32_t epoch;
    uint32_t tenant;
    unsigned attempt; // how many came before
    bool probe;       // the breaker is half open
    bool slow;        // takes a slot of the slow pool
};

// What the engine knows about a destination; dropped when it is idle and room is needed.
struct destination {
    struct engine *engine;
    int32_t id;
    uint32_t tenant;
    struct arena *arena;   // of what follows, as it came with the last claim
    struct str ccid, host; // for people
    struct str url_text, headers_text, secrets_text, networks_text;
    struct address_ranges *networks; // granted to its contact center; NULL: none
    struct webhook webhook;
    bool usable;      // its settings could be read, and are allowed
    struct str fault; // why not

    struct list queue;
    unsigned queued, in_flight, held; // held: those, and outcomes that are being stored
    bool due;                         // PostgreSQL has, or may have, rows for us
    bool claiming;                    // part of the claim in flight
    bool stale;                       // the head of its queue must be checked before it is sent
    struct schedule_entry hungry, ready;
    struct claim_floor floor;
    struct retry_timer retry_timer; // when its retries are due

    struct window window;
    struct breaker breaker;
    struct retry_budget budget;
    int64_t open_until_ms; // of the breaker, as far as this worker opened it
    int failures;          // openings in a row, as PostgreSQL last said
    double latency_ms;     // moving average
    bool slow;

    struct {
        enum { ANSWER_STORED, ANSWER_BEING_STORED, ANSWER_UNSTORED } storage; // for PostgreSQL
        bool good;
        int64_t at_ms; // monotonic
        int status, decision;
        char detail[DESTINATION_DETAIL_BYTES]; // "" if there is no error
    } last;                                    // its answer, or why there was none
};

// Its owner and address, for a line of the log.
#define LOG_DESTINATION(value)                                                                     \
    LOG_INT("destination", (value)->id), LOG_STR("ccid", (value)->ccid),                           \
        LOG_STR("host", (value)->host)

// Destinations that health reports: the first few by number, and how many there are.
enum { AILING_SHOWN = 3 };
struct ailing {
    size_t count;
    int32_t ids[AILING_SHOWN];
};

struct engine {
    struct service *service;
    struct engine_options options;
    struct map *destinations; // by id
    struct schedule hungry;   // destinations that want rows
    struct schedule ready;    // destinations that have rows and room in their window
    struct list held;
    size_t held_count;
    unsigned in_flight, slow_in_flight, turn;
    struct batcher *outcomes;
    struct provider_request request; // scratch of the one being built
    uv_timer_t sweep_timer, lease_timer, wake_timer, pause_timer, answers_timer;
    int64_t wake_ms; // when the wake timer fires; 0: it does not
    size_t calls;    // statements in flight beside the batcher's
    bool paused;     // delays claims after PostgreSQL failed one
    bool draining, answers_were_sent, drained;
    unsigned timers_open; // while closing

    struct {
        bool out;
        int64_t sent_us; // monotonic
        int64_t sent_ms; // clock_boot_ms()
        size_t count;
        struct destination *destinations[ENGINE_CLAIM_DESTINATIONS];
        int rooms[ENGINE_CLAIM_DESTINATIONS], got[ENGINE_CLAIM_DESTINATIONS];
        int64_t newest_due_us[ENGINE_CLAIM_DESTINATIONS];
    } claim;
    struct {
        bool out;
        int64_t asked_ms; // clock_boot_ms()
        uv_timer_t timer; // runs while rows wait
    } permits;
    struct {
        bool out;
        void (*then)(struct engine *engine); // called after the statement in flight; NULL: nothing
    } answers;
    struct {
        unsigned steps; // in flight
        int32_t after;  // where the walk continues
        // summed up over a walk
        int64_t due_rows, oldest_ms, open, held_rows, held_oldest_ms;
        struct ailing failing;
    } sweep;
    struct ailing failing, off; // as of the last sweep
    struct engine_metrics metrics;
};

// ---- engine.c: the turn

// Does what is to be done next: sends what may be sent, claims what there is room for, and checks
// whether a drain is over. Every callback of a part ends with it, or with engine_call_ended(); no
// part starts another one in any other way.
void engine_turn(struct engine *engine);
// A statement beside the batcher's; done gets the engine and ends with engine_call_ended().
void engine_call(struct engine *engine, struct pg_params *params, pg_done_fn *done);
void engine_call_ended(struct engine *engine);

// ---- destination.c

// The destination of that number; NULL when the table is full of busy ones (the sweep tries again).
struct destination *destination_get(struct engine *engine, int32_t id);
// As they come with a claim.
struct destination_settings {
    struct str url, headers;            // the static ones
    struct str secrets, secrets_number; // sealed, one a line; the number they are bound to
    struct str networks;                // private ranges that its contact center may reach
    struct str ccid;
};
// Takes over changed settings.
void destination_configure(struct destination *destination,
                           const struct destination_settings *settings);
// Rows it could take now; 0 while a claim would not be worth its round trip.
int destination_room(const struct destination *destination);
// Puts it on the lists for its state: hungry, ready, both or none.
void destination_settle(struct destination *destination);
void destination_free(struct destination *destination);
// Keeps the result of an attempt to be stored: soon if it begins to fail, else with the sweep.
void destination_note(struct destination *destination, const struct outcome *outcome);

// ---- the steps of a turn

void engine_pump(struct engine *engine);  // sends as long as there are slots
void engine_claim(struct engine *engine); // does nothing while one is in flight

// ---- engine_complete.c

// Queues the outcome to be stored. The delivery is freed afterwards.
void engine_complete(struct delivery *delivery, const struct outcome *outcome);
void engine_give_back(struct destination *destination); // all that is queued
extern const struct batch_def engine_outcomes;

// ---- engine_permit.c

bool engine_may_begin(const struct delivery *delivery);
void engine_permits_watch(struct engine *engine); // rows wait from now on
// It is not ours, or must not be sent. Does nothing if it was already sent.
void engine_withdraw(struct delivery *delivery);

// ---- engine_wake.c, engine_leases.c, engine_sweep.c

void engine_wake_in(struct destination *destination, int64_t delay_ms);
void engine_leases_start(struct engine *engine);
void engine_sweep_start(struct engine *engine);

// ---- engine_answers.c: the last answers of destinations

void engine_send_answers_soon(struct engine *engine);
// Stores them now, and calls then() afterwards, whether they were stored or not; NULL: nothing
// follows. False when there is nothing to store, or when it is being stored already.
bool engine_send_answers(struct engine *engine, void (*then)(struct engine *engine));

// ---- engine_trace.c: the spans claim and webhook.attempt. They follow the transaction that stored
// the message, as its children, or linked to it when they come more than a minute later.

void engine_trace_claimed(struct delivery *delivery, struct str traceparent, int64_t age_us);
void engine_trace_send(struct delivery *delivery); // message.trace is the trace in the request
// The span that its receipt will follow; absent if the trace is not kept.
struct str engine_trace_kept(const struct delivery *delivery,
                             char text[static TRACE_PARENT_LENGTH]);
void engine_trace_answered(struct delivery *delivery, const struct outcome *outcome);
