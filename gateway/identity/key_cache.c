// key_cache: a map to entries, each on one of two lists, least recently used first.
#include "gateway/identity/key_cache.h"

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"

#include <stdlib.h>

struct key_entry {
    struct list link; // of cache->known or cache->refused
    struct str id;    // its bytes follow the struct
    bool refused;
    int64_t refresh_ms, until_ms;
    uint64_t learned; // the counts of forgetting at that time
    struct caller caller;
    char bytes[];
};

struct key_ring {
    struct list entries;
    size_t count;
};

enum { TENANT_SLOTS = 4096 };

// Forgetting has a constant cost: it is only counted, and each older entry counts as unknown when
// it is next looked up. Tenants share slots; a tenant that shares one is looked up once without
// need.
struct key_cache {
    uint64_t forgotten; // how often something was forgotten
    uint64_t all_forgotten, tenant_forgotten[TENANT_SLOTS];
    struct map *map;
    struct key_ring known, refused;
    size_t limit;
};

struct key_cache *key_cache_new(size_t limit)
{
    struct key_cache *cache = heap_new(sizeof *cache);
    cache->map = map_new();
    cache->limit = limit;
    list_init(&cache->known.entries);
    list_init(&cache->refused.entries);
    return cache;
}

static struct key_ring *ring_of(struct key_cache *cache, const struct key_entry *entry)
{
    return entry->refused ? &cache->refused : &cache->known;
}

static void entry_remove(struct key_cache *cache, struct key_entry *entry)
{
    map_remove(cache->map, entry->id);
    list_remove(&entry->link);
    ring_of(cache, entry)->count--;
    free(entry);
}

void key_cache_free(struct key_cache **cache)
{
    if (!*cache)
        return;
    LIST_EACH (&(*cache)->known.entries, struct key_entry, link, known)
        entry_remove(*cache, known);
    LIST_EACH (&(*cache)->refused.entries, struct key_entry, link, refused)
        entry_remove(*cache, refused);
    map_free(&(*cache)->map);
    free(*cache);
    *cache = NULL;
}

static bool is_forgotten(const struct key_cache *cache, const struct key_entry *entry)
{
    uint32_t slot = entry->caller.principal.tenant % TENANT_SLOTS;

    if (entry->refused) // of an unknown tenant
        return entry->learned < cache->forgotten;
    return entry->learned < cache->all_forgotten || entry->learned < cache->tenant_forgotten[slot];
}

enum key_state key_cache_find(struct key_cache *cache, struct str id, int64_t now_ms,
                              struct caller **caller)
{
    struct key_entry *entry = map_get(cache->map, id);

    if (!entry || now_ms >= entry->until_ms || is_forgotten(cache, entry))
        return KEY_UNKNOWN;
    list_remove(&entry->link);
    list_append(&ring_of(cache, entry)->entries, &entry->link);
    if (entry->refused)
        return KEY_REFUSED;
    *caller = &entry->caller;
    return now_ms >= entry->refresh_ms ? KEY_AGEING : KEY_FRESH;
}

static struct str copy_behind(char **at, struct str text)
{
    struct str copy = str_make(*at, text.len);

    if (text.len)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return copy;
}

// Puts an entry in the place of the one that had the id, if any.
static struct key_entry *entry_put(struct key_cache *cache, struct str id, bool refused,
                                   const struct caller *caller)
{
    struct key_entry *before = map_get(cache->map, id);
    struct key_entry *entry =
        heap_new(sizeof *entry + id.len + caller->principal.name.len + caller->ccid.len +
                 caller->granted.len + caller->expires.len);

    char *at = entry->bytes;
    entry->id = copy_behind(&at, id);
    entry->refused = refused;
    entry->learned = cache->forgotten;
    entry->caller = *caller;
    entry->caller.principal.name = copy_behind(&at, caller->principal.name);
    entry->caller.ccid = copy_behind(&at, caller->ccid);
    entry->caller.granted = copy_behind(&at, caller->granted);
    entry->caller.expires = copy_behind(&at, caller->expires);
    if (before)
        entry_remove(cache, before);

    struct key_ring *ring = ring_of(cache, entry);
    if (ring->count >= cache->limit)
        entry_remove(cache, LIST_FIRST(&ring->entries, struct key_entry, link));
    map_put(cache->map, entry->id, entry);
    list_append(&ring->entries, &entry->link);
    ring->count++;
    return entry;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void key_cache_learn(struct key_cache *cache, struct str id, const struct caller *caller,
                     int64_t expires_ms, int64_t now_ms)
{
    struct key_entry *entry = entry_put(cache, id, false, caller);

    entry->refresh_ms = now_ms + sooner(KEY_REFRESH_MS, expires_ms);
    entry->until_ms = now_ms + sooner(KEY_FRESH_MS, expires_ms);
}

void key_cache_refuse(struct key_cache *cache, struct str id, int64_t now_ms)
{
    struct key_entry *entry = entry_put(cache, id, true, &(struct caller){0});

    entry->until_ms = now_ms + KEY_REFUSED_MS;
}

void key_cache_keep_stale(struct key_cache *cache, struct str id, int64_t now_ms)
{
    struct key_entry *entry = map_get(cache->map, id);

    if (entry && !entry->refused)
        entry->refresh_ms = now_ms + KEY_RETRY_MS;
}

void key_cache_forget(struct key_cache *cache, uint32_t tenant)
{
    cache->tenant_forgotten[tenant % TENANT_SLOTS] = ++cache->forgotten;
}

void key_cache_forget_all(struct key_cache *cache)
{
    cache->all_forgotten = ++cache->forgotten;
}

size_t key_cache_count(const struct key_cache *cache)
{
    return map_count(cache->map);
}
