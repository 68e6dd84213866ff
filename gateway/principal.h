// principal: who asks. Whom a key, token or session belongs to is remembered (key_cache.h) or asked
// of provisioning-worker, which sees only a digest of a key. Requests that come while one is being
// asked about wait for the same answer.
//
// When somebody's rights change provisioning-workers tell (principals_forget()), so that the next
// request asks anew. An answer that was on its way meanwhile may be older than the change: it is
// given to those who waited for it, and not kept.
#pragma once

#include "credentials.h"
#include "key_cache.h"

#include "base/err.h"
#include "base/list.h"
#include "io/address.h"

struct bus_gateway;
struct login_guard;
struct principals;

enum {
    LOOKUPS_LIMIT = 1024,
    KEY_LOOKUP_MS = 1800, // a worker that misses its gateway is back within 1.5 s; a text has 2 s
    GWS_LOOKUP_MS = 2000, // provisioning-worker may have to ask GWS
};

// What GWS said about a user is kept for user_cache_ms.
struct principals *principals_new(struct bus_gateway *bus, size_t cache_entries,
                                  int64_t user_cache_ms);
// Look-ups are asked of the guard first, and it is told how they end; without one nobody is stopped.
void principals_guard(struct principals *principals, struct login_guard *guard);
// After the bus: no look-up may be out.
void principals_free(struct principals **principals);

// Room for one who waits; embedded in what waits. done, address and context are the
// caller's to set.
struct principal_wait {
    struct list link;
    // caller is valid inside the callback; NULL with err.
    void (*done)(void *context, struct caller *caller, const struct err *err);
    // Where the request comes from; asked only where a key must be looked up.
    void (*address)(void *context, uint8_t address[static ADDRESS_BYTES]);
    void *context;
    // Of who is let in already: the guard against guessed keys is not asked, nor is address.
    bool is_let_in;
    // What is remembered does not do: provisioning-worker is asked. Where nobody can be asked done gets what is remembered.
    bool asks_anew;
    struct str traceparent; // of who waits; the first one's is the look-up's. May be absent
    int64_t retry_ms;       // with ERR_RATE_LIMITED: not before then
};

// done runs once: inside this call when the answer is known, else when it came, at the latest after
// GWS_LOOKUP_MS.
void principals_find(struct principals *principals, const struct credentials *credentials,
                     struct principal_wait *wait);

// whose: a tenant's number, "0" for those who act for all, "*" for everybody. What cannot be read
// is everybody.
void principals_forget(struct principals *principals, struct str whose);
