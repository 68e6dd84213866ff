// peer_bans: peers whose frames break the rules, without I/O. Ten offences within a minute and the
// peer is ignored for the next one. The table has a fixed size, so peers cannot make it grow.
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { PEER_BANS_LIMIT = 64, OFFENCES_LIMIT = 10, OFFENCE_WINDOW_MS = 60000 };

struct peer_bans {
    struct peer_offences {
        uint64_t peer; // hash of its routing id; 0: free
        int64_t since_ms;
        unsigned offences;
    } entries[PEER_BANS_LIMIT];
};

void peer_bans_note(struct peer_bans *bans, struct str peer, int64_t now_ms);
bool peer_bans_has(const struct peer_bans *bans, struct str peer, int64_t now_ms);
