// login_guard: five tables of the same kind. Three hold buckets. The other two use only the time in
// each bucket: when an address last failed, and when a key was last right.
#include "gateway/identity/login_guard.h"

#include "gateway/limits/rate_table.h"

#include "base/heap.h"
#include "base/map.h"
#include "base/random.h"

#include <stdlib.h>

enum { ADDRESSES = 8192, PREFIXES = 8192, FAILED = 8192, RIGHT_KEYS = 32768, PREFIX_LENGTH = 13 };
static const int64_t right_ms = 24 * 60 * 60 * 1000;

struct login_guard {
    struct login_limits limits;
    uint8_t secret[16]; // so that an attacker cannot tell which keys share a place
    struct rate_table *addresses, *prefixes, *failed, *right, *open;
};

struct login_guard *login_guard_new(struct login_limits limits)
{
    struct login_guard *guard = heap_new(sizeof *guard);
    *guard = (struct login_guard){.limits = limits,
                                  .addresses = rate_table_new(ADDRESSES),
                                  .prefixes = rate_table_new(PREFIXES),
                                  .failed = rate_table_new(FAILED),
                                  .right = rate_table_new(RIGHT_KEYS),
                                  .open = rate_table_new(ADDRESSES)};
    random_bytes(guard->secret, sizeof guard->secret);
    return guard;
}

void login_guard_free(struct login_guard **guard)
{
    if (!*guard)
        return;
    rate_table_free(&(*guard)->addresses);
    rate_table_free(&(*guard)->prefixes);
    rate_table_free(&(*guard)->failed);
    rate_table_free(&(*guard)->right);
    rate_table_free(&(*guard)->open);
    free(*guard);
    *guard = NULL;
}

struct login_limits login_guard_limits(const struct login_guard *guard)
{
    return guard->limits;
}

// A network of IPv6 has more addresses than we have places.
static struct str network_of(const uint8_t address[static ADDRESS_BYTES])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    return str_make(address, memcmp(address, mapped, sizeof mapped) == 0 ? ADDRESS_BYTES : 8);
}

static void remember(struct rate_table *table, uint64_t number, int64_t now_ms)
{
    rate_table_find(table, number, now_ms)->counted_ms = now_ms;
}

// A query must not create an entry, because it would push out a remembered one.
static bool is_remembered(struct rate_table *table, uint64_t number, int64_t for_ms, int64_t now_ms)
{
    const struct rate_bucket *bucket = rate_table_seek(table, number);

    return bucket && now_ms - bucket->counted_ms < for_ms;
}

static void give_back(struct login_guard *guard, const struct login_attempt *attempt,
                      int64_t now_ms)
{
    if (attempt->is_of_address)
        rate_give_back(rate_table_find(guard->addresses, attempt->address, now_ms));
    if (attempt->is_of_prefix)
        rate_give_back(rate_table_find(guard->prefixes, attempt->prefix, now_ms));
}

static struct rate_verdict failure_take(struct rate_table *table, uint64_t number, uint32_t limit,
                                        uint32_t window_s, int64_t now_ms)
{
    return rate_take(rate_table_find(table, number, now_ms), limit, window_s, now_ms);
}

bool login_guard_admits(struct login_guard *guard, const uint8_t address[static ADDRESS_BYTES],
                        struct str key, struct str id, int64_t now_ms,
                        struct login_attempt *attempt, int64_t *wait_ms)
{
    const struct login_limits *limits = &guard->limits;
    struct str prefix = key.len > PREFIX_LENGTH ? str_make(key.ptr, PREFIX_LENGTH) : key;

    *attempt = (struct login_attempt){.is_made = true,
                                      .address = siphash(guard->secret, network_of(address)),
                                      .prefix = siphash(guard->secret, prefix),
                                      .key = siphash(guard->secret, id)};
    if (is_remembered(guard->right, attempt->key, right_ms, now_ms))
        return true;
    struct rate_verdict verdict = failure_take(guard->addresses, attempt->address,
                                               limits->of_address, limits->window_s, now_ms);
    attempt->is_of_address = verdict.is_allowed;
    if (!verdict.is_allowed) {
        *wait_ms = verdict.wait_ms;
        return false;
    }
    verdict =
        failure_take(guard->prefixes, attempt->prefix, limits->of_prefix, limits->window_s, now_ms);
    attempt->is_of_prefix = verdict.is_allowed;
    if (!verdict.is_allowed &&
        is_remembered(guard->failed, attempt->address, limits->window_s * INT64_C(1000), now_ms)) {
        give_back(guard, attempt, now_ms);
        *wait_ms = verdict.wait_ms;
        return false;
    }
    return true;
}

bool login_guard_lets_in(struct login_guard *guard, const uint8_t address[static ADDRESS_BYTES],
                         int64_t now_ms, int64_t *wait_ms)
{
    struct rate_verdict verdict =
        failure_take(guard->open, siphash(guard->secret, network_of(address)),
                     guard->limits.of_open, guard->limits.window_s, now_ms);

    *wait_ms = verdict.wait_ms;
    return verdict.is_allowed;
}

void login_guard_passed(struct login_guard *guard, const struct login_attempt *attempt,
                        int64_t now_ms)
{
    give_back(guard, attempt, now_ms);
    remember(guard->right, attempt->key, now_ms);
}

void login_guard_failed(struct login_guard *guard, const struct login_attempt *attempt,
                        int64_t now_ms)
{
    remember(guard->failed, attempt->address, now_ms);
}

void login_guard_unasked(struct login_guard *guard, const struct login_attempt *attempt,
                         int64_t now_ms)
{
    give_back(guard, attempt, now_ms);
}

void login_guard_right(struct login_guard *guard, struct str id, int64_t now_ms)
{
    remember(guard->right, siphash(guard->secret, id), now_ms);
}
