// batch_keys: which keys are taken, and which are held, without I/O. A set that may say "taken" of a key that is not (two keys
// may share one of its 4096 places) and never the other way round: an item then waits for a batch
// it need not have waited for.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BATCH_KEYS_WORDS = 64 };

struct batch_keys {
    uint64_t words[BATCH_KEYS_WORDS]; // all zero: empty
};

void batch_keys_take(struct batch_keys *keys, uint64_t key);
bool batch_keys_has(const struct batch_keys *keys, uint64_t key);
void batch_keys_join(struct batch_keys *keys, const struct batch_keys *others);

// The keys whose rows somebody else holds, exactly: who merely shared a place with one would be taken for held. Where there are
// more than BATCH_HELD_LIMIT, the first one is forgotten, and found again.
enum { BATCH_HELD_LIMIT = 64 };

struct batch_held {
    uint64_t keys[BATCH_HELD_LIMIT]; // oldest first
    size_t count;                    // zero: empty
};

void batch_held_add(struct batch_held *held, uint64_t key); // once, however often
void batch_held_drop(struct batch_held *held, uint64_t key);
bool batch_held_has(const struct batch_held *held, uint64_t key);
