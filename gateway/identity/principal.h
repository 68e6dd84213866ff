// principal: the caller of a request. The owner of a key, token or session is cached (key_cache.h)
// or looked up at provisioning-worker, which sees only a digest of a key. Requests that come during
// a look-up wait for the same answer.
//
// When permissions change provisioning-workers report it (principals_forget()), so that the next
// request looks them up again. An answer that was in flight at that time may be older than the
// change, so it is given to the waiting requests but not cached.
#pragma once

#include "gateway/identity/credentials.h"
#include "gateway/identity/key_cache.h"

#include "base/err.h"
#include "base/list.h"
#include "io/tcp/address.h"

struct bus_gateway;
struct login_guard;
struct principals;

enum {
    LOOKUPS_LIMIT = 1024,
    KEY_LOOKUP_MS = 1800, // a worker that lost its gateway is back within 1.5 s; a message has 2 s
    GWS_LOOKUP_MS = 2000, // provisioning-worker may have to ask GWS
};

// GWS's answer about a user is cached for user_cache_ms.
struct principals *principals_new(struct bus_gateway *bus, size_t cache_entries,
                                  int64_t user_cache_ms);
// The guard decides about look-ups first, and is told how they end; without a guard none is
// stopped.
void principals_guard(struct principals *principals, struct login_guard *guard);
// Call it after the bus is closed: no look-up may be in flight.
void principals_free(struct principals **principals);

// A waiting caller; embedded in what waits. The caller sets done, address and context.
struct principal_wait {
    struct list link;
    // caller is valid inside the callback; NULL with err.
    void (*done)(void *context, struct caller *caller, const struct err *err);
    // The address of the request; called only when a key must be looked up.
    void (*address)(void *context, uint8_t address[static ADDRESS_BYTES]);
    void *context;
    // For a caller that was already accepted: the guard against guessed keys and address are not
    // used.
    bool is_let_in;
    // The cache is not enough: provisioning-worker is asked. If it cannot answer, done gets the
    // cached caller.
    bool asks_anew;
    struct str
        traceparent; // of the waiting request; the look-up has that of the first one. May be absent
    int64_t retry_ms; // with ERR_RATE_LIMITED: not before then
};

// done runs once: inside this call when the answer is cached, else when it arrives, at the latest
// after GWS_LOOKUP_MS.
void principals_find(struct principals *principals, const struct credentials *credentials,
                     struct principal_wait *wait);

// whose: a tenant's number, "0" for callers that act for all, "*" for all callers. An unreadable
// text means all callers.
void principals_forget(struct principals *principals, struct str whose);
