// destination: what the engine knows about a destination, and the lists it is on.
#include "sms-worker/delivery/engine_parts.h"

#include "base/clock.h"
#include "base/heap.h"
#include "io/tcp/address.h"
#include "provisioning/rules.h"
#include "secrets/keyring.h"
#include "secrets/secret.h"
#include "sms-worker/delivery/permit.h"
#include "telemetry/log.h"

#include <stdlib.h>

enum { DESTINATIONS_LIMIT = 4096 };

static struct str key_of(const int32_t *id)
{
    return str_make(id, sizeof *id);
}

static bool is_idle(const struct destination *destination)
{
    return !destination->due && !destination->claiming && destination->held == 0 &&
           destination->retry_timer.slots == 0 && destination->last.storage == ANSWER_STORED;
}

// Its learned values (window, floor) are learned again.
static void forget_an_idle_one(struct engine *engine)
{
    struct str key;
    void *value;
    for (size_t cursor = 0; map_next(engine->destinations, &cursor, &key, &value);) {
        struct destination *destination = value;
        if (is_idle(destination)) {
            map_remove(engine->destinations, key_of(&destination->id));
            destination_free(destination);
            return;
        }
    }
}

struct destination *destination_get(struct engine *engine, int32_t id)
{
    struct destination *destination = map_get(engine->destinations, key_of(&id));
    if (destination)
        return destination;
    if (map_count(engine->destinations) >= DESTINATIONS_LIMIT)
        forget_an_idle_one(engine);
    if (map_count(engine->destinations) >= DESTINATIONS_LIMIT)
        return NULL;

    destination = heap_new(sizeof *destination);
    destination->engine = engine;
    destination->id = id;
    destination->arena = arena_new();
    list_init(&destination->queue);
    window_init(&destination->window, engine->options.window);
    retry_budget_init(&destination->budget);
    map_put(engine->destinations, key_of(&id), destination);
    return destination;
}

void destination_free(struct destination *destination)
{
    schedule_remove(&destination->hungry);
    schedule_remove(&destination->ready);
    address_ranges_free(&destination->networks);
    arena_free(&destination->arena);
    free(destination);
}

// ---- its settings

// Opens the sealed secrets, one a line.
static bool secrets_open(struct destination *destination, struct str secrets, struct str number,
                         struct str ccid, struct err *err)
{
    struct webhook *webhook = &destination->webhook;
    AUTO(buf) aad = {0};
    secret_aad(&aad, ccid, number, "webhook");
    webhook->secret_count = 0;
    for (struct str sealed; secrets.len > 0 && webhook->secret_count < PROVIDER_SECRETS_LIMIT;) {
        str_cut(secrets, '\n', &sealed, &secrets);
        AUTO(buf) plain = {0};
        if (!keyring_open(destination->engine->options.ring, buf_str(&aad), sealed, &plain, err))
            return err_in(err, "webhook secret");
        webhook->secrets[webhook->secret_count++] = arena_copy(destination->arena, buf_str(&plain));
    }
    return true;
}

// Only host and port: the rest of the URL may be secret.
static struct str host_of(struct str url)
{
    struct str scheme, rest;

    if (!str_cut(url, ':', &scheme, &rest) || !str_starts(rest, STR("//")))
        return STR_ABSENT;
    struct str host = str_skip(rest, 2);
    for (size_t i = 0; i < host.len; i++)
        if (strchr("/?#", host.ptr[i]))
            host = str_make(host.ptr, i);
    for (size_t i = host.len; i > 0; i--)
        if (host.ptr[i - 1] == '@')
            return str_skip(host, i);
    return host;
}

static bool is_known(const struct destination *destination,
                     const struct destination_settings *settings)
{
    return destination->usable && str_equal(settings->url, destination->url_text) &&
           str_equal(settings->headers, destination->headers_text) &&
           str_equal(settings->secrets, destination->secrets_text) &&
           str_equal(settings->networks, destination->networks_text);
}

// An unreadable range grants nothing, and the destination reports it.
static bool networks_read(struct destination *destination, struct err *err)
{
    address_ranges_free(&destination->networks);
    if (destination->networks_text.len == 0)
        return true;
    destination->networks = address_grants_parse(destination->networks_text, err);
    return destination->networks || err_in(err, "networks");
}

static bool settings_read(struct destination *destination,
                          const struct destination_settings *settings, size_t *refused,
                          struct err *err)
{
    struct webhook *webhook = &destination->webhook;

    return networks_read(destination, err) &&
           webhook_https_check(settings->url, destination->engine->options.https_only, err) &&
           webhook_headers_read(settings->headers, destination->arena, webhook->headers,
                                &webhook->header_count, refused, err) &&
           secrets_open(destination, settings->secrets, settings->secrets_number, settings->ccid,
                        err);
}

void destination_configure(struct destination *destination,
                           const struct destination_settings *settings)
{
    if (is_known(destination, settings))
        return;

    arena_reset(destination->arena);
    destination->url_text = arena_copy(destination->arena, settings->url);
    destination->headers_text = arena_copy(destination->arena, settings->headers);
    destination->secrets_text = arena_copy(destination->arena, settings->secrets);
    destination->networks_text = arena_copy(destination->arena, settings->networks);
    destination->webhook.url = destination->url_text;
    destination->ccid = arena_copy(destination->arena, settings->ccid);
    destination->host = host_of(destination->url_text);

    struct err err = {0};
    size_t refused = 0;
    destination->usable = settings_read(destination, settings, &refused, &err);
    if (!destination->usable) {
        destination->fault = arena_copy(destination->arena, str_of(err.text));
        LOG_ERROR("destination.unusable", LOG_TENANT(destination->tenant),
                  LOG_DESTINATION(destination), LOG_ERR(&err));
    }
    if (refused > 0)
        LOG_WARN("destination.headers_refused", LOG_TENANT(destination->tenant),
                 LOG_DESTINATION(destination), LOG_INT("headers", refused));
}

// ---- its last answer

void destination_note(struct destination *destination, const struct outcome *outcome)
{
    int class = outcome->decision & ~DECISION_PROBE;
    bool good = class == RETRY_CLASS_OK || class == RETRY_CLASS_PERMANENT;

    if (!good && (destination->last.good || destination->last.at_ms == 0))
        engine_send_answers_soon(destination->engine); // somebody may be looking already
    destination->last.storage = ANSWER_UNSTORED;
    destination->last.good = good;
    destination->last.at_ms = clock_monotonic_ms();
    destination->last.status = outcome->status;
    destination->last.decision = outcome->decision;
    size_t length = outcome->detail.len < DESTINATION_DETAIL_BYTES ? outcome->detail.len
                                                                   : DESTINATION_DETAIL_BYTES - 1;
    if (length > 0)
        memcpy(destination->last.detail, outcome->detail.ptr, length);
    destination->last.detail[length] = '\0';
}

// ---- its lists

// How many windows of rows to hold: as many as can be sent before they must be checked again; one
// while the latency is unknown.
static int windows_wanted(const struct destination *destination)
{
    if (destination->latency_ms <= 0)
        return 1;
    double in_stock = PERMIT_STALE_MS / destination->latency_ms;
    return in_stock < ENGINE_PREFETCH_WINDOWS - 1 ? 1 + (int)in_stock : ENGINE_PREFETCH_WINDOWS;
}

int destination_room(const struct destination *destination)
{
    if (destination->open_until_ms > clock_monotonic_ms())
        return 0;
    int windows = windows_wanted(destination);
    int prefetch = (int)window_limit(&destination->window) * windows;
    int room = prefetch - (int)(destination->queued + destination->in_flight);
    // Many small claims cost more than a few that fetch half a stock at once. If there is no stock,
    // a half-empty window costs more.
    return room * (windows > 1 ? 2 : 4) >= prefetch ? room : 0;
}

void destination_settle(struct destination *destination)
{
    struct engine *engine = destination->engine;
    if (destination->queued == 0)
        destination->stale = false;
    bool wants = destination->due && !destination->claiming && !engine->draining &&
                 destination_room(destination) > 0;
    bool can_send = destination->queued > 0 && !destination->stale &&
                    destination->in_flight < window_limit(&destination->window);

    if (wants)
        schedule_add(&engine->hungry, &destination->hungry, destination->tenant, SCHEDULE_FAST);
    else
        schedule_remove(&destination->hungry);
    if (can_send)
        schedule_add(&engine->ready, &destination->ready, destination->tenant,
                     destination->slow ? SCHEDULE_SLOW : SCHEDULE_FAST);
    else
        schedule_remove(&destination->ready);
}
