// principal: credentials → cache or look-up → caller, in this order.
#include "principal.h"

#include "login_guard.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/panic.h"
#include "bus/bus_gateway.h"
#include "io/crypto.h"
#include "wire/codec_json.h"

#include <stdlib.h>

struct principals {
    struct bus_gateway *bus;
    struct key_cache *cache;
    struct login_guard *guard; // NULL: none
    struct map *lookups;       // struct lookup by id
    struct arena *arena;       // for one reply
    struct buf payload;
};

// One question to provisioning-worker, and all who wait for its answer.
struct lookup {
    struct principals *principals;
    struct list waiting;
    struct login_attempt attempt; // not made: the key was remembered
    struct str id;                // digest and ccid, as in the cache
    char bytes[];
};

struct principals *principals_new(struct bus_gateway *bus, size_t cache_entries)
{
    struct principals *principals = calloc(1, sizeof *principals);
    if (!principals)
        panic("out of memory");
    *principals = (struct principals){.bus = bus,
                                      .cache = key_cache_new(cache_entries),
                                      .lookups = map_new(),
                                      .arena = arena_new()};
    return principals;
}

void principals_free(struct principals **principals)
{
    if (!*principals)
        return;
    ASSERT(map_count((*principals)->lookups) == 0);
    key_cache_free(&(*principals)->cache);
    map_free(&(*principals)->lookups);
    arena_free(&(*principals)->arena);
    buf_release(&(*principals)->payload);
    free(*principals);
    *principals = NULL;
}

// The same words whatever is wrong with a key.
static void refuse(struct err *err)
{
    err_set(err, ERR_UNKNOWN_KEY, "the key is not known, or not for this contact center");
}

void principals_guard(struct principals *principals, struct login_guard *guard)
{
    principals->guard = guard;
}

// May the key be looked up? One that is being asked about already costs nothing more.
static bool guard_admits(struct principals *principals, const struct credentials *credentials,
                         struct str id, struct principal_wait *wait, struct login_attempt *attempt)
{
    uint8_t address[ADDRESS_BYTES];

    if (!principals->guard || map_get(principals->lookups, id))
        return true;
    wait->address(wait->context, address);
    return login_guard_admits(principals->guard, address, credentials->key, id,
                              clock_monotonic_ms(), attempt, &wait->retry_ms);
}

// What the guard learns from the end of a look-up.
static void guard_tell(struct login_guard *guard, const struct lookup *lookup, enum err_code code)
{
    int64_t now_ms = clock_monotonic_ms();

    if (!guard)
        return;
    if (!lookup->attempt.is_made && code == ERR_OK)
        login_guard_right(guard, lookup->id, now_ms);
    else if (code == ERR_OK)
        login_guard_passed(guard, &lookup->attempt, now_ms);
    else if (code == ERR_UNKNOWN_KEY || code == ERR_NOT_FOUND)
        login_guard_failed(guard, &lookup->attempt, now_ms);
    else
        login_guard_unasked(guard, &lookup->attempt, now_ms);
}

static struct lookup *lookup_start(struct principals *principals, struct str id);

void principals_find(struct principals *principals, const struct credentials *credentials,
                     struct principal_wait *wait)
{
    unsigned char bytes[SHA256_BYTES + CCID_LIMIT];
    struct caller *caller = NULL;
    struct lookup *lookup = NULL;
    struct login_attempt attempt = {0};
    struct err err;

    ASSERT(credentials->ccid.len <= CCID_LIMIT);
    crypto_sha256(credentials->key, bytes);
    memcpy(bytes + SHA256_BYTES, credentials->ccid.ptr, credentials->ccid.len);
    struct str id = str_make(bytes, SHA256_BYTES + credentials->ccid.len);

    enum key_state state = key_cache_find(principals->cache, id, clock_monotonic_ms(), &caller);
    if (state == KEY_UNKNOWN && !guard_admits(principals, credentials, id, wait, &attempt)) {
        err_set(&err, ERR_RATE_LIMITED, "too many wrong keys came from there");
        wait->done(wait->context, NULL, &err);
        return;
    }
    if (state == KEY_UNKNOWN || state == KEY_STALE || state == KEY_AGEING)
        lookup = lookup_start(principals, id);
    if (attempt.is_made && lookup)
        lookup->attempt = attempt;
    else if (attempt.is_made)
        login_guard_unasked(principals->guard, &attempt, clock_monotonic_ms());
    if (state == KEY_FRESH || state == KEY_AGEING) {
        wait->done(wait->context, caller, NULL);
    } else if (lookup) {
        list_append(&lookup->waiting, &wait->link);
    } else {
        if (state == KEY_REFUSED)
            refuse(&err);
        else
            err_set(&err, ERR_BUSY, "too many keys are being looked up");
        wait->done(wait->context, NULL, &err);
    }
}

static void lookup_answered(void *context, enum err_code code, struct str payload);

// The look-up of this key that is out already, or a new one; NULL when too many are out.
static struct lookup *lookup_start(struct principals *principals, struct str id)
{
    struct lookup *lookup = map_get(principals->lookups, id);

    if (lookup || map_count(principals->lookups) >= KEY_LOOKUPS_LIMIT)
        return lookup;
    lookup = malloc(sizeof *lookup + id.len);
    if (!lookup)
        panic("out of memory");
    memcpy(lookup->bytes, id.ptr, id.len);
    lookup->principals = principals;
    lookup->attempt = (struct login_attempt){0};
    lookup->id = str_make(lookup->bytes, id.len);
    list_init(&lookup->waiting);
    map_put(principals->lookups, lookup->id, lookup);

    arena_reset(principals->arena);
    struct str digest = str_make(lookup->bytes, SHA256_BYTES);
    buf_clear(&principals->payload);
    buf_hex(&principals->payload, digest);
    struct msg_key_lookup message = {
        .digest = arena_copy(principals->arena, buf_str(&principals->payload)),
        .ccid = str_skip(lookup->id, SHA256_BYTES)};
    struct envelope envelope = {
        .message = MSG_KEY_LOOKUP, .operation = id_new(), .deadline_ms = KEY_LOOKUP_MS};
    buf_clear(&principals->payload);
    message_encode(message_type(MSG_KEY_LOOKUP), &message, &principals->payload);
    bus_gateway_call(principals->bus, &envelope, buf_str(&principals->payload), lookup_answered,
                     lookup);
    return lookup;
}

static uint32_t member_number(const struct json_view *reply, const char *name)
{
    int64_t number;

    return json_number(json_member(reply, name), &number) && number >= 0 && number <= UINT32_MAX
               ? (uint32_t)number
               : 0;
}

static bool caller_read(struct str json, struct arena *arena, struct caller *caller,
                        int64_t *expires_ms, struct err *err)
{
    const struct json_view *reply, *permission;
    int64_t expires_in_s;

    if (!json_parse(json, arena, &reply, err))
        return false;
    *caller = (struct caller){
        .principal = {.tenant = member_number(reply, "tenant"),
                      .key = member_number(reply, "key"),
                      .name = json_text(json_member(reply, "name"))},
        .ccid = json_text(json_member(reply, "ccid")),
        .capacity = member_number(reply, "capacity"),
        .frequency_s = member_number(reply, "frequency"),
    };
    const struct json_view *permissions = json_member(reply, "permissions");
    if (caller->principal.key != 0)
        caller->permissions |= 1U << PERMISSION_ANY_KEY;
    for (size_t i = 0; (permission = json_element(permissions, i)); i++)
        caller->permissions |= permission_bits(json_text(permission));
    *expires_ms = json_number(json_member(reply, "expires_in_s"), &expires_in_s)
                      ? expires_in_s * 1000
                      : INT64_MAX;
    return true;
}

static void lookup_answered(void *context, enum err_code code, struct str payload)
{
    struct lookup *lookup = context;
    struct principals *principals = lookup->principals;
    struct str ccid = str_skip(lookup->id, SHA256_BYTES);
    struct caller learned, *caller = NULL;
    int64_t expires_ms, now_ms = clock_monotonic_ms();
    struct err err;

    arena_reset(principals->arena);
    if (code == ERR_OK && !caller_read(payload, principals->arena, &learned, &expires_ms, &err))
        code = ERR_INTERNAL;
    if (code == ERR_OK && ccid.len && learned.ccid.len &&
        !str_equal_ignoring_case(ccid, learned.ccid))
        code = ERR_UNKNOWN_KEY; // a tenant's key, used in another tenant's name
    guard_tell(principals->guard, lookup, code);

    refuse(&err);
    if (code == ERR_OK) {
        key_cache_learn(principals->cache, lookup->id, &learned, expires_ms, now_ms);
    } else if (code == ERR_UNKNOWN_KEY || code == ERR_NOT_FOUND) {
        key_cache_refuse(principals->cache, lookup->id, now_ms);
    } else {
        key_cache_put_up_with(principals->cache, lookup->id, now_ms);
        err_set(&err, ERR_UNAVAILABLE, "keys cannot be checked now");
    }

    map_remove(principals->lookups, lookup->id);
    LIST_EACH (&lookup->waiting, struct principal_wait, link, wait) {
        // Looked up for each: what one does may change the cache.
        switch (key_cache_find(principals->cache, lookup->id, now_ms, &caller)) {
        case KEY_FRESH:
        case KEY_AGEING:
        case KEY_STALE: wait->done(wait->context, caller, NULL); break;
        case KEY_REFUSED:
        case KEY_UNKNOWN: wait->done(wait->context, NULL, &err); break;
        }
    }
    free(lookup);
}
