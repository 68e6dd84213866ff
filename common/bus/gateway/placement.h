// placement: which worker gets a key, without I/O. Rendezvous hashing (Thaler and Ravishankar
// 1998): the worker with the highest hash of (key, worker) among those with credit. Workers that
// come and go move only the keys they win or lose. Correctness never depends on it; it only makes
// batches of different workers touch fewer common rows.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct placement_candidate {
    uint64_t worker; // stable hash of its incarnation
    bool eligible;   // has credit, does not drain
    uint32_t load;   // requests out; decides when the key is 0
};

// Index of the chosen candidate, -1 when none is eligible. key 0: the least loaded.
int placement_choose(uint64_t key, const struct placement_candidate *candidates, size_t count);
