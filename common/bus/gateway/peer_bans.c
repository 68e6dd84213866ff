// peer_bans: a full table forgets the entry that began longest ago.
#include "bus/gateway/peer_bans.h"

#include "base/map.h"

static uint64_t peer_hash(struct str peer)
{
    static const uint8_t key[16] = "bus bans";
    return siphash(key, peer) | 1; // never 0
}

static bool is_current(const struct peer_offences *entry, int64_t now_ms)
{
    return entry->peer != 0 && now_ms - entry->since_ms < OFFENCE_WINDOW_MS;
}

void peer_bans_note(struct peer_bans *bans, struct str peer, int64_t now_ms)
{
    uint64_t hash = peer_hash(peer);
    struct peer_offences *oldest = &bans->entries[0];

    for (size_t i = 0; i < PEER_BANS_LIMIT; i++) {
        struct peer_offences *entry = &bans->entries[i];
        if (entry->peer == hash && is_current(entry, now_ms)) {
            // The ban lasts a whole window from the offence that brought it.
            if (++entry->offences == OFFENCES_LIMIT)
                entry->since_ms = now_ms;
            return;
        }
        if (entry->peer == 0 || entry->since_ms < oldest->since_ms)
            oldest = entry;
        if (entry->peer == hash) {
            oldest = entry;
            break;
        }
    }
    *oldest = (struct peer_offences){.peer = hash, .since_ms = now_ms, .offences = 1};
}

bool peer_bans_has(const struct peer_bans *bans, struct str peer, int64_t now_ms)
{
    uint64_t hash = peer_hash(peer);

    for (size_t i = 0; i < PEER_BANS_LIMIT; i++) {
        const struct peer_offences *entry = &bans->entries[i];
        if (entry->peer == hash && is_current(entry, now_ms))
            return entry->offences >= OFFENCES_LIMIT;
    }
    return false;
}
