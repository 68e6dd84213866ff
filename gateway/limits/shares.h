// shares: how much of the scarce resources of a gateway one key, or one contact center, holds now.
// The function that took a share returns it. The kinds of resources are a table.
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

//     id               metric's label      what is limited
#define SHARES(SHARE)                                                                              \
    SHARE(KEY_STREAMS, "key_streams", "event streams of one key or user")                          \
    SHARE(TENANT_STREAMS, "tenant_streams", "event streams of one contact center")                 \
    SHARE(TENANT_DOWNLOADS, "tenant_downloads", "downloads of one contact center")                 \
    SHARE(TENANT_LARGE_BODIES, "tenant_large_bodies", "large bodies of one contact center")

enum share_kind {
#define SHARE(id, ...) SHARE_##id,
    SHARES(SHARE)
#undef SHARE
        SHARE_COUNT
};

struct metrics;
struct share;
struct shares;
struct principal;

struct shares *shares_new(struct metrics *metrics);
void shares_free(struct shares **shares); // all must be given back

// How many of a whole one contact center may have while others hold this many: a percentage of the
// rest, and at least one. So two busy ones leave room for a third.
size_t share_of(size_t whole, size_t others, unsigned percent);

// NULL: the principal, or its contact center, has as many as limit; err (ERR_RATE_LIMITED) says of
// what.
struct share *shares_take(struct shares *shares, enum share_kind kind,
                          const struct principal *principal, size_t limit, struct err *err);
// The same for a common whole with at least one left: the limit is share_of() it.
struct share *shares_take_part(struct shares *shares, enum share_kind kind,
                               const struct principal *principal, size_t whole, unsigned percent,
                               struct err *err);
void shares_give_back(struct shares *shares, struct share **share); // NULL there: nothing was taken
