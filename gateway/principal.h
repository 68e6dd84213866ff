// principal: who asks. Credentials are read from the headers; whom they belong to is remembered
// (key_cache.h) or asked of provisioning-worker, which sees only a digest of the key. Requests that
// come while a key is being asked about wait for the same answer.
#pragma once

#include "key_cache.h"
#include "route.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>

struct bus_gateway;
struct http_request;
struct principals;

enum { KEY_LIMIT = 256, CCID_LIMIT = 64, KEY_LOOKUPS_LIMIT = 1024, KEY_LOOKUP_MS = 1000 };

struct credentials {
    struct str key;
    struct str ccid; // empty when the caller names none
};

// BASIC: user is the ccid, password the key. KEY: x-api-key, or Authorization with or without
// "Bearer"; x-ccid may name the contact center. The strings live in the arena or the request.
MUST_USE bool credentials_read(const struct http_request *request, enum route_credentials kind,
                               struct arena *arena, struct credentials *credentials,
                               struct err *err);

struct principals *principals_new(struct bus_gateway *bus, size_t cache_entries);
// After the bus: no look-up may be out.
void principals_free(struct principals **principals);

// Room for one who waits; embedded in what waits. done and context are the caller's to set.
struct principal_wait {
    struct list link;
    // caller is valid inside the callback; NULL with err.
    void (*done)(void *context, struct caller *caller, const struct err *err);
    void *context;
};

// done runs once: inside this call when the answer is known, else when it came, at the latest after
// KEY_LOOKUP_MS.
void principals_find(struct principals *principals, const struct credentials *credentials,
                     struct principal_wait *wait);
