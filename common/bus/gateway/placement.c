// placement: rendezvous hashing.
#include "bus/gateway/placement.h"

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014) over both.
static uint64_t weight(uint64_t key, uint64_t worker)
{
    uint64_t mixed = key ^ (worker * 0x9E3779B97F4A7C15U);

    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBU;
    return mixed ^ mixed >> 31;
}

static bool is_better(uint64_t key, const struct placement_candidate *candidate,
                      const struct placement_candidate *best)
{
    if (key == 0)
        return candidate->load < best->load;
    return weight(key, candidate->worker) > weight(key, best->worker);
}

int placement_choose(uint64_t key, const struct placement_candidate *candidates, size_t count)
{
    int best = -1;

    for (size_t i = 0; i < count; i++)
        if (candidates[i].eligible &&
            (best < 0 || is_better(key, &candidates[i], &candidates[best])))
            best = (int)i;
    return best;
}
