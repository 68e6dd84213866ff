// key_cache: what the gateway remembers about keys, tokens and sessions, without I/O. An entry is
// found by its credentials (their kind and 32 bytes of SHA-256) followed by the ccid it was used
// for; the key itself is not stored.
//
// Life of a known key, from the answer of provisioning-worker:
//   45 s  fresh    used as it is
//   60 s  ageing   used, and looked up again meanwhile
// and never past the key's own expiry, nor past the limit in the answer. A refused key is
// remembered for 5 s. Changes are reported (principal.h) and forgotten at once; the times above
// apply when reports are lost. Known and refused keys have separate limits, so a flood of wrong
// keys pushes out no valid one; within each the least recently used goes first.
#pragma once

#include "base/str.h"
#include "wire/msgpack/envelope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEY_REFRESH_MS = 45000,
    KEY_FRESH_MS = 60000,
    KEY_REFUSED_MS = 5000,
    KEY_RETRY_MS = 1000, // after a look-up that could not be made
};

// Who holds a key and what it allows.
struct caller {
    struct principal principal;
    struct str ccid;    // of the tenant acted for; empty: none
    struct str granted; // the names of the permissions, separated by blanks
    struct str expires; // of a session: when it ends at the latest; absent otherwise
    int64_t ends_ms;    // when the key or session expires, on the monotonic clock; INT64_MAX: never
    uint32_t permissions; // bits of enum permission
    uint32_t capacity, frequency_s;
};

enum key_state {
    KEY_UNKNOWN, // look it up and wait
    KEY_REFUSED, // no
    KEY_FRESH,   // yes
    KEY_AGEING,  // yes, and look it up again meanwhile
};

struct key_cache;

struct key_cache *key_cache_new(size_t limit);
void key_cache_free(struct key_cache **cache);

// *caller is set for FRESH and AGEING; it is valid until the cache is changed.
enum key_state key_cache_find(struct key_cache *cache, struct str id, int64_t now_ms,
                              struct caller **caller);
// Copies the caller. expires_ms: from now; INT64_MAX for a key that does not expire.
void key_cache_learn(struct key_cache *cache, struct str id, const struct caller *caller,
                     int64_t expires_ms, int64_t now_ms);
void key_cache_refuse(struct key_cache *cache, struct str id, int64_t now_ms);
// A look-up could not be made: a key that is still good is looked up again after KEY_RETRY_MS, not
// with every request.
void key_cache_keep_stale(struct key_cache *cache, struct str id, int64_t now_ms);
// The callers of a tenant, and all refused keys, are looked up again before they are used; 0:
// callers that act for all.
void key_cache_forget(struct key_cache *cache, uint32_t tenant);
void key_cache_forget_all(struct key_cache *cache);
size_t key_cache_count(const struct key_cache *cache);
