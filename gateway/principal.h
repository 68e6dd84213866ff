// principal: who asks. Whom a key belongs to is remembered (key_cache.h) or asked of
// provisioning-worker, which sees only a digest of the key. Requests that come while a key is being
// asked about wait for the same answer.
#pragma once

#include "credentials.h"
#include "key_cache.h"

#include "base/err.h"
#include "base/list.h"
#include "io/address.h"

struct bus_gateway;
struct login_guard;
struct principals;

enum { KEY_LOOKUPS_LIMIT = 1024, KEY_LOOKUP_MS = 1000 };

struct principals *principals_new(struct bus_gateway *bus, size_t cache_entries);
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
    int64_t retry_ms; // with ERR_RATE_LIMITED: not before then
};

// done runs once: inside this call when the answer is known, else when it came, at the latest after
// KEY_LOOKUP_MS.
void principals_find(struct principals *principals, const struct credentials *credentials,
                     struct principal_wait *wait);
