// random: two sources. random_bytes() is the kernel's, for ids, keys and nonces. struct random is a
// seeded generator (SplitMix64, Steele/Lea/Flood 2014) for jitter, failpoints and simulations: the
// same seed gives the same run, which is how a failing seed becomes a regression test.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state; // the seed
};

uint64_t random_next(struct random *random);
// Uniform in [0, bound); bound > 0.
uint64_t random_below(struct random *random, uint64_t bound);
// Uniform in [0, 1).
double random_unit(struct random *random);

void random_bytes(void *bytes, size_t count);
