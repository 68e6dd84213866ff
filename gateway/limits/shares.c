// shares: see the header. An owner that holds nothing has no entry, so there are at most as many
// entries as things held.
#include "gateway/limits/shares.h"

#include "base/buf.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/panic.h"
#include "telemetry/metrics.h"
#include "wire/msgpack/envelope.h"

#include <stdlib.h>

struct share {
    enum share_kind kind;
    size_t held;
    size_t key_length;
    char key[];
};

struct shares {
    struct map *map;
    size_t held[SHARE_COUNT]; // by all
    struct metrics *metrics;
    struct buf key; // scratch
};

struct shares *shares_new(struct metrics *metrics)
{
    struct shares *shares = heap_new(sizeof *shares);
    *shares = (struct shares){.map = map_new(), .metrics = metrics};
    return shares;
}

void shares_free(struct shares **shares)
{
    if (!*shares)
        return;
    ASSERT(map_count((*shares)->map) == 0);
    map_free(&(*shares)->map);
    buf_release(&(*shares)->key);
    free(*shares);
    *shares = NULL;
}

// The owner: a key by its number; users have no number, so they are identified by name.
static struct str key_make(struct shares *shares, enum share_kind kind,
                           const struct principal *principal)
{
    buf_clear(&shares->key);
    buf_printf(&shares->key, "%d %u", (int)kind, principal->tenant);
    if (kind == SHARE_KEY_STREAMS && principal->key)
        buf_printf(&shares->key, " %u", principal->key);
    else if (kind == SHARE_KEY_STREAMS)
        buf_printf(&shares->key, " of %.*s", STR_ARG(principal->name));
    return buf_str(&shares->key);
}

static struct share *share_new(struct shares *shares, enum share_kind kind, struct str key)
{
    struct share *share = heap_new(sizeof *share + key.len);
    share->kind = kind;
    share->key_length = key.len;
    memcpy(share->key, key.ptr, key.len);
    map_put(shares->map, key, share);
    return share;
}

struct share *shares_take(struct shares *shares, enum share_kind kind,
                          const struct principal *principal, size_t limit, struct err *err)
{
    static const struct {
        const char *label, *what;
    } kinds[] = {
#define SHARE(id, label, what) {label, what},
        SHARES(SHARE)
#undef SHARE
    };
    struct str key = key_make(shares, kind, principal);
    struct share *share = map_get(shares->map, key);

    if (share && share->held >= limit) {
        metric_add(metrics_series(shares->metrics, METRIC_SHARES_EXCEEDED, kinds[kind].label), 1);
        err_set(err, ERR_RATE_LIMITED, "no more than %zu %s at once", limit, kinds[kind].what);
        return NULL;
    }
    if (!share)
        share = share_new(shares, kind, key);
    share->held++;
    shares->held[kind]++;
    return share;
}

size_t share_of(size_t whole, size_t others, unsigned percent)
{
    size_t left = whole > others ? whole - others : 0, limit = left * percent / 100;

    return limit > 0 ? limit : 1;
}

struct share *shares_take_part(struct shares *shares, enum share_kind kind,
                               const struct principal *principal, size_t whole, unsigned percent,
                               struct err *err)
{
    const struct share *own = map_get(shares->map, key_make(shares, kind, principal));
    size_t others = shares->held[kind] - (own ? own->held : 0);

    return shares_take(shares, kind, principal, share_of(whole, others, percent), err);
}

void shares_give_back(struct shares *shares, struct share **share)
{
    struct share *given = *share;

    *share = NULL;
    if (!given)
        return;
    shares->held[given->kind]--;
    if (--given->held > 0)
        return;
    map_remove(shares->map, str_make(given->key, given->key_length));
    free(given);
}
