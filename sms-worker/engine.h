// engine: takes what must leave the system from the delivery table to those who get it.
//
//   claim     engine_claim.c      lease due rows of the destinations that have work
//   permit    engine_permit.c     check again what has waited too long to be sent unasked (permit.h)
//   send      engine_send.c       one HTTP request a row, as many at once as window and slots allow
//   complete  engine_complete.c   store what became of it, in batches, until PostgreSQL has it
//   sweep     engine_sweep.c      find what no doorbell told of; prolong leases; expire; wake
//   retries
//
// A row is the queue entry: nothing here is the only copy of anything. When the process dies, its
// leases run out after 30 s and another worker claims the rows; whether their requests had left is
// then unknown, which the channel's policy for uncertain messages decides
// (db/functions/delivery.sql).
//
// Held in memory are at most 4 × transfers rows; of a fast destination at most 4 windows, so that a
// claim's round trip does not hold it up; of a slow one no more than it can be sent soon.
#pragma once

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/trace.h"
#include "bus/health_reason.h"
#include "service/service.h"
#include "sms-worker/breaker.h"
#include "sms-worker/claim_floor.h"
#include "sms-worker/engine_metrics.h"
#include "sms-worker/provider.h"
#include "sms-worker/schedule.h"
#include "sms-worker/wakes.h"
#include "sms-worker/window.h"
#include "store/batcher.h"

enum {
    ENGINE_CLAIM_DESTINATIONS = 64, // in one claim
    ENGINE_PREFETCH_WINDOWS = 4,
    DESTINATION_DETAIL_BYTES = 160,
};

struct keyring;

struct engine_options {
    struct keyring *ring;  // opens the webhooks' secrets; must outlive the engine
    unsigned transfers;    // requests out at once
    unsigned window;       // of one destination, at most
    unsigned attempts;     // of one message, at most
    int32_t order_wait_ms; // how long one that fails holds up the next of its conversation
    int64_t timeout_ms;    // of one request
    bool https_only;       // nothing is sent to a webhook with http
};

enum delivery_stage { DELIVERY_QUEUED, DELIVERY_CONNECTING, DELIVERY_ON_THE_WIRE, DELIVERY_ENDED };

enum outcome_kind { // as delivery_complete() numbers them
    OUTCOME_SENT = 1,
    OUTCOME_RETRY,
    OUTCOME_FAILED,
    OUTCOME_UNCERTAIN,
    OUTCOME_GIVEN_BACK,
    OUTCOME_CONFLICT, // refused because of what the other side has: perhaps this message
    OUTCOME_KINDS
};

// What was decided of an attempt, as attempt.decision keeps it (db/migrations/0006_explain.sql): the
// class of its answer, or what there was instead of one.
enum decision {
    DECISION_NOT_SENT = RETRY_CLASS_GONE + 1,
    DECISION_UNCERTAIN,
    DECISION_FORBIDDEN,
    DECISION_UNUSABLE,   // settings that cannot be read or are not allowed; nothing was tried
    DECISION_PROBE = 16, // added: its breaker was half open
};

struct outcome {
    enum outcome_kind kind;
    int64_t delay_ms;       // RETRY, UNCERTAIN
    struct str provider_id; // SENT, where the provider names one
    struct str reason;      // FAILED, and UNCERTAIN when there is no further attempt
    int status;             // of the answer; 0: there was none
    int64_t duration_ms;
    int decision;
    struct str
        detail; // what the answer held, masked, or why there was none; absent where all is well
};

// A leased row. It stands in its destination's queue until it is sent, and in the engine's list of
// held rows until its outcome is stored.
struct delivery {
    struct list queued, held;
    struct batch_item item;
    struct arena *arena; // it lives here itself
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
    unsigned asked;       // its place in the check that is out; 0: not part of it
    int32_t epoch;
    uint32_t tenant;
    unsigned attempt; // how many came before
    bool probe;       // the breaker is half open
    bool slow;        // takes a slot of the slow pool
};

// What the engine knows of a destination; forgotten when it has been idle and room is needed.
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
    bool claiming;                    // part of the claim that is out
    bool stale;                       // the head of its queue must be checked before it is sent
    struct schedule_entry hungry, ready;
    struct claim_floor floor;
    struct wakes wakes; // when its retries are due

    struct window window;
    struct breaker breaker;
    struct retry_budget budget;
    int64_t open_until_ms; // of the breaker, as far as this worker opened it
    int failures;          // openings in a row, as PostgreSQL last said
    double latency_ms;     // moving average
    bool slow;

    struct {
        enum { ANSWER_TOLD, ANSWER_BEING_TOLD, ANSWER_FRESH } news; // for PostgreSQL
        bool good;
        int64_t at_ms; // monotonic
        int status, decision;
        char detail[DESTINATION_DETAIL_BYTES]; // "" where all is well
    } last;                                    // what it said, or why it said nothing
};

// Whose it is and where it leads, in a line of the log.
#define LOG_DESTINATION(value)                                                                     \
    LOG_INT("destination", (value)->id), LOG_STR("ccid", (value)->ccid),                           \
        LOG_STR("host", (value)->host)

// Destinations that health tells of: the first few by number, and how many there are.
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
    size_t calls;    // statements out beside the batcher's
    bool paused;     // claims, after PostgreSQL failed one
    bool telling;    // what destinations said last; the statement is out
    bool draining, parted, drained;
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
        unsigned steps; // out now
        int32_t after;  // where the walk goes on
        // summed up over a walk
        int64_t due_rows, oldest_ms, open, held_rows, held_oldest_ms;
        struct ailing failing;
    } sweep;
    struct ailing failing, off; // as of the last sweep
    struct engine_metrics metrics;
};

// ---- for the program

struct engine *engine_new(struct service *service, const struct engine_options *options);
// "There is work for this destination."
void engine_doorbell(struct engine *engine, int32_t destination);
// The same, of one that somebody says works again: its breaker's pause is over for this worker. The
// others find out with their next sweep.
void engine_hurry(struct engine *engine, int32_t destination);
// Takes nothing new; service_drained() when all that is held is stored or given back.
void engine_drain(struct engine *engine);
void engine_free(struct engine **engine);
// Destinations that fail or are switched off.
void engine_health(const struct engine *engine, struct health_reasons *reasons);

// ---- between the parts

// The destination of that number; NULL when the table is full of busy ones (the sweep comes back).
struct destination *destination_get(struct engine *engine, int32_t id);
// As they come with a claim.
struct destination_settings {
    struct str url, headers;            // the static ones
    struct str secrets, secrets_number; // sealed, one a line; the number they are bound to
    struct str networks;                // private ranges that its contact center may reach
    struct str ccid;
};
// Takes over what differs from what is known.
void destination_configure(struct destination *destination,
                           const struct destination_settings *settings);
// Rows it could take now; 0 while a claim would not be worth its round trip.
int destination_room(const struct destination *destination);
// Puts it where its state says: among the hungry, the ready, both or none.
void destination_settle(struct destination *destination);
void destination_free(struct destination *destination);
// Keeps what an attempt came to, to be told: soon where it begins to fail, else with the sweep.
void destination_note(struct destination *destination, const struct outcome *outcome);

void engine_claim(struct engine *engine); // does nothing while one is out
void engine_pump(struct engine *engine);  // sends as long as there are slots
// Hands the outcome to be stored. The delivery is freed afterwards.
void engine_complete(struct delivery *delivery, const struct outcome *outcome);
void engine_give_back(struct destination *destination); // all that is queued
bool engine_may_begin(const struct delivery *delivery);
void engine_permits_watch(struct engine *engine); // rows wait from now on
void engine_withdraw(
    struct delivery *delivery); // it is not ours, or must not be sent; nothing if it left
void engine_sweep_start(struct engine *engine);
void engine_sweep_stop(struct engine *engine);
void engine_tell_soon(struct engine *engine); // what destinations said last
// Tells it now. False when there is nothing to tell.
bool engine_tell_answers(struct engine *engine);
void engine_wake_in(struct destination *destination, int64_t delay_ms);
void engine_drain_check(struct engine *engine);
extern const struct batch_def engine_outcomes;

// ---- engine_trace.c: the spans claim and webhook.attempt. They follow the transaction that stored
// the message, as its children, or linked to it when they come more than a minute later.

void engine_trace_claimed(struct delivery *delivery, struct str traceparent, int64_t age_us);
void engine_trace_send(struct delivery *delivery); // message.trace is what the request says
// What its receipt will follow; absent where nobody looks.
struct str engine_trace_kept(const struct delivery *delivery,
                             char text[static TRACE_PARENT_LENGTH]);
void engine_trace_answered(struct delivery *delivery, const struct outcome *outcome);
