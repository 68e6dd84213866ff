// calls: what a gateway has asked and not yet been answered, without I/O: a fixed table, the queue
// of each service, in which tenants take turns (turns.h), and who runs out of time first. A request's
// number is its slot and 51 bits that nobody can guess who was not sent it; each life of the slot has
// others, so an answer that comes for an earlier one finds nothing.
//
// State is where a call is listed: in its service's queue (WAITING), or at a worker (OUT, or
// ABANDONED: its client was told ERR_DEADLINE, but the worker still has it, and so its credit;
// after CALLS_ABANDONED_MS it expires again, then the worker has surely lost it).
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "bus/turns.h"
#include "wire/envelope.h"

enum {
    CALLS_LIMIT = 8192,
    CALLS_WAITING_LIMIT = 4096,
    CALLS_WAITING_BYTES = 64 * 1024 * 1024,
    CALLS_ABANDONED_MS = 30 * 1000,
};

enum call_state { CALL_NEW, CALL_WAITING, CALL_OUT, CALL_ABANDONED };

typedef void call_reply_fn(void *context, enum err_code code, struct str payload);

struct call {
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

// tenant_share: percent of the waiting places, and of what workers take, for one tenant; 0: no limit.
struct calls *calls_new(unsigned tenant_share);
void calls_free(struct calls **calls); // none may be unanswered

// Copies envelope and payload; the deadline is envelope->deadline_ms from now. NULL: the table is
// full.
struct call *calls_open(struct calls *calls, enum service_id service,
                        const struct envelope *envelope, struct str payload, int64_t now_ms);
void calls_close(struct calls *calls, struct call *call);
struct call *calls_find(struct calls *calls, uint64_t request); // NULL: not, or no longer, known
size_t call_bytes(const struct call *call); // what it takes of a worker's credit

// To the end of its tenant's calls of the service. ERR_BUSY: the queues are full; ERR_RATE_LIMITED: its
// tenant's share is.
MUST_USE bool calls_wait(struct calls *calls, struct call *call, struct err *err);
// To the front: it has waited before, and has a place even in full queues.
void calls_wait_again(struct calls *calls, struct call *call);
// Whose turn it is of those that wait for a service whose workers take so much at a time; or NULL.
struct call *calls_next(const struct calls *calls, enum service_id service,
                        struct turn_window window);
// Nobody waits whose turn is before this one's, and its tenant has less than its share out.
bool calls_may_go(const struct calls *calls, const struct call *call, struct turn_window window);
// The first that waits and was never at a worker; NULL if there is none.
struct call *calls_first_fresh(const struct calls *calls, enum service_id service);
void calls_out(struct calls *calls, struct call *call, void *worker, struct list *at_worker);
void calls_abandon(struct calls *calls, struct call *call, int64_t now_ms);

// The call that has run out of time at now_ms, NULL if none has.
struct call *calls_expired(struct calls *calls, int64_t now_ms);
bool calls_first_deadline(const struct calls *calls, int64_t *deadline_ms);

size_t calls_unanswered(const struct calls *calls); // waiting and out
size_t calls_waiting(const struct calls *calls);
// How long the one that waits at the head of a queue has been known; 0 when nothing waits.
int64_t calls_oldest_ms(const struct calls *calls, int64_t now_ms);
