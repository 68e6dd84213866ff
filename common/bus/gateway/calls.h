// calls: the requests of a gateway that are not yet answered, without I/O: a fixed table, a queue
// for each service, in which tenants take turns (turns.h), and the order of their deadlines. A
// request's number is its slot and 51 random bits, so that only the worker that received it knows
// it. Each use of the slot has new bits, so a late answer to an earlier request matches nothing.
//
// State is where a call is listed: in its service's queue (WAITING), or at a worker (OUT, or
// ABANDONED: its client was told ERR_DEADLINE, but the worker still has it, and so its credit;
// after CALLS_ABANDONED_MS it expires again, then the worker has surely lost it).
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "bus/gateway/turns.h"
#include "wire/msgpack/envelope.h"

enum {
    CALLS_LIMIT = 8192,
    CALLS_WAITING_LIMIT = 4096,
    CALLS_WAITING_BYTES = 64 * 1024 * 1024,
    CALLS_ABANDONED_MS = 30 * 1000,
};

enum call_state { CALL_NEW, CALL_WAITING, CALL_OUT, CALL_ABANDONED };

typedef void call_reply_fn(void *context, enum err_code code, struct str payload);

struct bus_call {
    struct list link;
    enum call_state state;
    uint32_t index;
    uint64_t request; // its number; 0: closed
    unsigned losses;  // workers that vanished with it
    enum service_id service;
    struct turn *turn;        // its tenant's
    struct envelope envelope; // its strings, and payload, are in bytes
    struct str payload;
    struct buf bytes;
    void *worker; // OUT, ABANDONED: the gateway's record of it
    int64_t opened_ms, deadline_ms;
    call_reply_fn *reply;
    void *context;
};

struct calls;

// tenant_share: percent of the waiting places, and of what workers take, for one tenant; 0: no
// limit.
struct calls *calls_new(unsigned tenant_share);
void calls_free(struct calls **calls); // none may be unanswered

// Copies envelope and payload; the deadline is envelope->deadline_ms from now. NULL: the table is
// full.
struct bus_call *calls_open(struct calls *calls, enum service_id service,
                            const struct envelope *envelope, struct str payload, int64_t now_ms);
void calls_close(struct calls *calls, struct bus_call *call);
struct bus_call *calls_find(struct calls *calls,
                            uint64_t request);  // NULL: not, or no longer, known
size_t call_bytes(const struct bus_call *call); // what it takes of a worker's credit

// Appends to its tenant's calls for the service. ERR_BUSY: the queues are full; ERR_RATE_LIMITED:
// the tenant's share is used up.
MUST_USE bool calls_wait(struct calls *calls, struct bus_call *call, struct err *err);
// Puts it at the front: it has waited before, and is accepted even when the queues are full.
void calls_wait_again(struct calls *calls, struct bus_call *call);
// The next call for a service whose workers take as much at a time as window says; NULL if none.
struct bus_call *calls_next(const struct calls *calls, enum service_id service,
                            struct turn_window window);
// No waiting call comes before this one, and its tenant has less than its share in work.
bool calls_may_go(const struct calls *calls, const struct bus_call *call,
                  struct turn_window window);
// The first that waits and was never at a worker; NULL if there is none.
struct bus_call *calls_first_fresh(const struct calls *calls, enum service_id service);
void calls_out(struct calls *calls, struct bus_call *call, void *worker, struct list *at_worker);
void calls_abandon(struct calls *calls, struct bus_call *call, int64_t now_ms);

// The call that has run out of time at now_ms, NULL if none has.
struct bus_call *calls_expired(struct calls *calls, int64_t now_ms);
bool calls_first_deadline(const struct calls *calls, int64_t *deadline_ms);

size_t calls_unanswered(const struct calls *calls); // waiting and out
size_t calls_waiting(const struct calls *calls);
// The age of the call at the head of a queue; 0 when nothing waits.
int64_t calls_oldest_ms(const struct calls *calls, int64_t now_ms);
