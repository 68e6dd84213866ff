// batch_keys: which keys are taken, and which are held, without I/O. The set may report a free key
// as taken (two keys may share one of its 4096 places), but never a taken key as free. In the first
// case an item waits for a batch without need.
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

// The keys whose rows another transaction holds, stored exactly, because a key that only shares a
// place must not count as held. Beyond BATCH_HELD_LIMIT the first one is dropped; it is found again
// later.
enum { BATCH_HELD_LIMIT = 64 };

struct batch_held {
    uint64_t keys[BATCH_HELD_LIMIT]; // oldest first
    size_t count;                    // zero: empty
};

void batch_held_add(struct batch_held *held, uint64_t key); // once, however often
void batch_held_drop(struct batch_held *held, uint64_t key);
bool batch_held_has(const struct batch_held *held, uint64_t key);
