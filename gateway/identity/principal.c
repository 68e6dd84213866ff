// principal: credentials → cache or look-up → caller, in this order.
#include "gateway/identity/principal.h"

#include "gateway/identity/login_guard.h"
#include "gateway/identity/permission.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/panic.h"
#include "bus/gateway/bus_gateway.h"
#include "crypto/crypto.h"
#include "wire/json/codec_json.h"

#include <stdlib.h>

enum { ID_LIMIT = 1 + SHA256_BYTES + CCID_LIMIT, HEARD_LIMIT = 4 };

struct principals {
    struct bus_gateway *bus;
    struct key_cache *cache;
    struct login_guard *guard; // NULL: none
    struct map *lookups;       // struct lookup by id
    int64_t user_cache_ms;
    struct buf digest, payload;
};

// One request to provisioning-worker, and all callers that wait for its answer.
struct lookup {
    struct principals *principals;
    struct list waiting;
    struct login_attempt attempt; // not made: the key was remembered
    struct str id;                // kind, digest and ccid, as in the cache
    char bytes[ID_LIMIT];
    // The tenants whose permissions changed while it was in flight. If there are too many, all
    // count as changed.
    uint32_t heard[HEARD_LIMIT];
    size_t heard_count;
};

struct principals *principals_new(struct bus_gateway *bus, size_t cache_entries,
                                  int64_t user_cache_ms)
{
    struct principals *principals = heap_new(sizeof *principals);
    *principals = (struct principals){.bus = bus,
                                      .cache = key_cache_new(cache_entries),
                                      .lookups = map_new(),
                                      .user_cache_ms = user_cache_ms};
    return principals;
}

void principals_free(struct principals **principals)
{
    if (!*principals)
        return;
    ASSERT(map_count((*principals)->lookups) == 0);
    key_cache_free(&(*principals)->cache);
    map_free(&(*principals)->lookups);
    buf_release(&(*principals)->digest);
    buf_release(&(*principals)->payload);
    free(*principals);
    *principals = NULL;
}

// The same text for every fault of a key.
static void refuse(struct err *err)
{
    err_set(err, ERR_UNKNOWN_KEY, "the key is not known, or not for this contact center");
}

void principals_guard(struct principals *principals, struct login_guard *guard)
{
    principals->guard = guard;
}

// May the key be looked up? If a look-up is already in flight, this costs nothing more.
static bool guard_admits(struct principals *principals, const struct credentials *credentials,
                         struct str id, struct principal_wait *wait, struct login_attempt *attempt)
{
    uint8_t address[ADDRESS_BYTES];

    if (!principals->guard || wait->is_let_in || map_get(principals->lookups, id))
        return true;
    wait->address(wait->context, address);
    return login_guard_admits(principals->guard, address, credentials->key, id,
                              clock_monotonic_ms(), attempt, &wait->retry_ms);
}

// Tells the guard how a look-up ended.
static void guard_notify(struct login_guard *guard, const struct lookup *lookup, enum err_code code)
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

static struct lookup *lookup_start(struct principals *principals, struct str id,
                                   const struct credentials *credentials, struct str traceparent);

void principals_find(struct principals *principals, const struct credentials *credentials,
                     struct principal_wait *wait)
{
    unsigned char bytes[ID_LIMIT];
    struct caller *caller = NULL;
    struct lookup *lookup = NULL;
    struct login_attempt attempt = {0};
    struct err err;

    ASSERT(credentials->ccid.len <= CCID_LIMIT);
    bytes[0] = (unsigned char)credentials->kind;
    crypto_sha256(credentials->key, bytes + 1);
    if (credentials->ccid.len)
        memcpy(bytes + 1 + SHA256_BYTES, credentials->ccid.ptr, credentials->ccid.len);
    struct str id = str_make(bytes, 1 + SHA256_BYTES + credentials->ccid.len);

    enum key_state state =
        wait->asks_anew ? KEY_UNKNOWN
                        : key_cache_find(principals->cache, id, clock_monotonic_ms(), &caller);
    if (state == KEY_UNKNOWN && !guard_admits(principals, credentials, id, wait, &attempt)) {
        err_set(&err, ERR_RATE_LIMITED, "too many failed attempts from this address");
        wait->done(wait->context, NULL, &err);
        return;
    }
    if (state == KEY_UNKNOWN || state == KEY_AGEING)
        lookup = lookup_start(principals, id, credentials, wait->traceparent);
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

static enum message_id session_message(struct principals *principals,
                                       const struct credentials *credentials)
{
    struct msg_session_lookup message = {.session = credentials->key, .ccid = credentials->ccid};

    message_encode(message_type(MSG_SESSION_LOOKUP), &message, &principals->payload);
    return MSG_SESSION_LOOKUP;
}

static enum message_id key_message(struct principals *principals, const struct lookup *lookup,
                                   const struct credentials *credentials)
{
    buf_clear(&principals->digest);
    buf_hex(&principals->digest, str_make(lookup->bytes + 1, SHA256_BYTES));
    struct msg_caller_lookup message = {.digest = buf_str(&principals->digest),
                                        .ccid = credentials->ccid};
    if (credentials->kind == CREDENTIAL_TOKEN)
        message.token = credentials->key;

    message_encode(message_type(MSG_CALLER_LOOKUP), &message, &principals->payload);
    return MSG_CALLER_LOOKUP;
}

static void lookup_send(struct lookup *lookup, const struct credentials *credentials,
                        struct str traceparent)
{
    struct principals *principals = lookup->principals;
    struct envelope envelope = {.operation = id_new(),
                                .traceparent = traceparent,
                                .deadline_ms = credentials->kind == CREDENTIAL_KEY ? KEY_LOOKUP_MS
                                                                                   : GWS_LOOKUP_MS};

    buf_clear(&principals->payload);
    envelope.message = credentials->kind == CREDENTIAL_SESSION
                           ? session_message(principals, credentials)
                           : key_message(principals, lookup, credentials);
    bus_gateway_call(principals->bus, &envelope, buf_str(&principals->payload), lookup_answered,
                     lookup);
}

// The look-up of this key that is already in flight, or a new one; NULL when too many are in
// flight.
static struct lookup *lookup_start(struct principals *principals, struct str id,
                                   const struct credentials *credentials, struct str traceparent)
{
    struct lookup *lookup = map_get(principals->lookups, id);

    if (lookup || map_count(principals->lookups) >= LOOKUPS_LIMIT)
        return lookup;
    lookup = heap_new(sizeof *lookup);
    memcpy(lookup->bytes, id.ptr, id.len);
    lookup->principals = principals;
    lookup->id = str_make(lookup->bytes, id.len);
    list_init(&lookup->waiting);
    map_put(principals->lookups, lookup->id, lookup);
    lookup_send(lookup, credentials, traceparent);
    return lookup;
}

static uint32_t member_number(const struct json_view *reply, const char *name)
{
    int64_t number;

    return json_number(json_member(reply, name), &number) && number >= 0 && number <= UINT32_MAX
               ? (uint32_t)number
               : 0;
}

// What the caller's permissions allow, and as one text.
static void permissions_read(const struct json_view *list, struct arena *arena,
                             struct caller *caller)
{
    const struct json_view *one;
    AUTO(buf) granted = {0};

    for (size_t i = 0; (one = json_element(list, i)); i++) {
        caller->permissions |= permission_bits(json_text(one));
        buf_printf(&granted, "%s%.*s", i ? " " : "", STR_ARG(json_text(one)));
    }
    caller->granted = arena_copy(arena, buf_str(&granted));
}

// Tenant 0 acts for all, so it must be given explicitly: a missing or unreadable number is an error
// and never means all.
static bool scope_is_clear(const struct json_view *reply, const struct caller *caller)
{
    bool all = json_is_true(json_member(reply, "all"));

    return caller->principal.tenant == 0 ? all : !all && caller->ccid.len > 0;
}

static bool caller_read(struct str json, struct arena *arena, int64_t now_ms, struct caller *caller)
{
    const struct json_view *reply;
    int64_t expires_in_s;
    struct err err;

    if (!json_parse(json, arena, &reply, &err))
        return false;
    bool is_user = json_is_true(json_member(reply, "user"));
    *caller = (struct caller){
        .principal = {.tenant = member_number(reply, "tenant"),
                      .key = member_number(reply, "key"),
                      .name = json_text(json_member(reply, "name"))},
        .ccid = json_text(json_member(reply, "ccid")),
        .expires = json_text(json_member(reply, "expires")),
        .ends_ms = json_number(json_member(reply, "expires_in_s"), &expires_in_s)
                       ? now_ms + expires_in_s * 1000
                       : INT64_MAX,
        .capacity = member_number(reply, "capacity"),
        .frequency_s = member_number(reply, "frequency"),
    };
    if (!scope_is_clear(reply, caller) || is_user != (caller->principal.key == 0))
        return false;
    permissions_read(json_member(reply, "permissions"), arena, caller);
    return true;
}

// How long it may be cached: until it expires, and a user only until GWS must be asked again.
static int64_t keep_ms(const struct principals *principals, const struct caller *caller,
                       int64_t now_ms)
{
    bool is_user = caller->principal.key == 0;
    int64_t left_ms = caller->ends_ms == INT64_MAX ? INT64_MAX : caller->ends_ms - now_ms;

    return is_user && principals->user_cache_ms < left_ms ? principals->user_cache_ms : left_ms;
}

// May the answer be older than a change that was reported while it was in flight?
static bool is_doubtful(const struct lookup *lookup, const struct caller *learned)
{
    if (lookup->heard_count > HEARD_LIMIT || (lookup->heard_count && !learned))
        return true;
    for (size_t i = 0; i < lookup->heard_count; i++)
        if (lookup->heard[i] == learned->principal.tenant)
            return true;
    return false;
}

static void lookup_end(struct lookup *lookup, struct caller *learned, const struct err *err)
{
    struct principals *principals = lookup->principals;
    struct caller *kept;

    map_remove(principals->lookups, lookup->id);
    LIST_EACH (&lookup->waiting, struct principal_wait, link, wait) {
        // Each one looks it up again, because an earlier one may have changed the cache.
        switch (key_cache_find(principals->cache, lookup->id, clock_monotonic_ms(), &kept)) {
        case KEY_FRESH:
        case KEY_AGEING: wait->done(wait->context, kept, NULL); break;
        case KEY_REFUSED:
        case KEY_UNKNOWN: wait->done(wait->context, learned, learned ? NULL : err); break;
        }
    }
    free(lookup);
}

static void lookup_answered(void *context, enum err_code code, struct str payload)
{
    struct lookup *lookup = context;
    struct principals *principals = lookup->principals;
    struct str ccid = str_skip(lookup->id, 1 + SHA256_BYTES);
    struct arena *arena = arena_new();
    struct caller learned;
    int64_t now_ms = clock_monotonic_ms();
    struct err err;

    if (code == ERR_OK && !caller_read(payload, arena, now_ms, &learned))
        code = ERR_INTERNAL;
    if (code == ERR_OK && ccid.len && learned.ccid.len &&
        !str_equal_ignoring_case(ccid, learned.ccid))
        code = ERR_UNKNOWN_KEY; // a tenant's key, used in another tenant's name
    guard_notify(principals->guard, lookup, code);
    bool doubtful = is_doubtful(lookup, code == ERR_OK ? &learned : NULL);

    refuse(&err);
    if (code == ERR_OK) {
        if (!doubtful)
            key_cache_learn(principals->cache, lookup->id, &learned,
                            keep_ms(principals, &learned, now_ms), now_ms);
    } else if (code == ERR_UNKNOWN_KEY || code == ERR_NOT_FOUND) {
        if (!doubtful)
            key_cache_refuse(principals->cache, lookup->id, now_ms);
    } else {
        key_cache_keep_stale(principals->cache, lookup->id, now_ms);
        err_set(&err, ERR_UNAVAILABLE, "the caller cannot be identified at the moment");
    }
    lookup_end(lookup, code == ERR_OK ? &learned : NULL, &err);
    arena_free(&arena);
}

void principals_forget(struct principals *principals, struct str whose)
{
    int64_t tenant;
    bool one = str_to_int(whose, 0, UINT32_MAX, &tenant);
    size_t cursor = 0;
    struct str id;
    void *lookup;

    if (one)
        key_cache_forget(principals->cache, (uint32_t)tenant);
    else
        key_cache_forget_all(principals->cache);
    while (map_next(principals->lookups, &cursor, &id, &lookup)) {
        struct lookup *out = lookup;
        if (one && out->heard_count < HEARD_LIMIT)
            out->heard[out->heard_count++] = (uint32_t)tenant;
        else
            out->heard_count = HEARD_LIMIT + 1;
    }
}
