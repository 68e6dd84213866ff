// batch_keys: which keys are taken, without I/O. A set that may say "taken" of a key that is not (two keys
// may share one of its 4096 places) and never the other way round: an item then waits for a batch
// it need not have waited for.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { BATCH_KEYS_WORDS = 64 };

struct batch_keys {
    uint64_t words[BATCH_KEYS_WORDS]; // all zero: empty
};

void batch_keys_take(struct batch_keys *keys, uint64_t key);
void batch_keys_drop(struct batch_keys *keys, uint64_t key); // and whatever shares its place
bool batch_keys_is_empty(const struct batch_keys *keys);
bool batch_keys_has(const struct batch_keys *keys, uint64_t key);
void batch_keys_join(struct batch_keys *keys, const struct batch_keys *others);
