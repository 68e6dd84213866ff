// key_cache: what the gateway remembers about keys, tokens and sessions, without I/O. An entry is
// found by what was shown (its kind and 32 bytes of SHA-256) followed by the ccid it was used for;
// the key itself is nowhere.
//
// Life of a known key, from when provisioning-worker told it:
//   45 s  fresh    used as it is
//   60 s  ageing   used, and asked again meanwhile
// and never past the key's own expiry, nor past what the teller allows. A refused key is remembered
// for 5 s. What changes is told (principal.h) and forgotten at once; the times hold where nobody can
// tell. Known and refused keys are bounded apart: a flood of wrong keys pushes
// no right one out; within each the least recently used goes first.
#pragma once

#include "base/str.h"
#include "wire/envelope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEY_REFRESH_MS = 45000,
    KEY_FRESH_MS = 60000,
    KEY_REFUSED_MS = 5000,
    KEY_RETRY_MS = 1000, // after nobody could be asked
};

// Who holds a key and what it allows.
struct caller {
    struct principal principal;
    struct str ccid;    // of the tenant acted for; empty: none
    struct str granted; // the permissions as they are called, blanks between
    struct str expires; // of a session: when it ends at the latest; absent otherwise
    int64_t ends_ms;    // when the key or session expires, on the monotonic clock; INT64_MAX: never
    uint32_t permissions; // bits of enum permission
    uint32_t capacity, frequency_s;
};

enum key_state {
    KEY_UNKNOWN, // ask, wait
    KEY_REFUSED, // no
    KEY_FRESH,   // yes
    KEY_AGEING,  // yes, and ask meanwhile
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
// Nobody could be asked: a key still good is asked about again after KEY_RETRY_MS, not with every
// request.
void key_cache_put_up_with(struct key_cache *cache, struct str id, int64_t now_ms);
// The callers of a tenant are asked about again before they are used, and whoever was refused; 0:
// those who act for all.
void key_cache_forget(struct key_cache *cache, uint32_t tenant);
void key_cache_forget_all(struct key_cache *cache);
size_t key_cache_count(const struct key_cache *cache);
