// random: see the header.
#include "base/random.h"

#include "base/panic.h"

#include <sys/random.h>

uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    ASSERT(bound > 0);
    return random_next(random) % bound; // the bias of 2^-64 × bound does not matter to jitter
}

double random_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53;
}

void random_bytes(void *bytes, size_t count)
{
    // Up to 256 bytes are never cut short once the kernel's pool is ready (getrandom(2)).
    ASSERT(count <= 256);
    ASSERT(getrandom(bytes, count, 0) == (ssize_t)count);
}
