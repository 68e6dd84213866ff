// gateway: what the parts of this program share, and the exchange: one HTTP request and its answer.
//
//   http_server → ingress/ingress.c (route, access, message, bus) → answer.c
//
// An exchange lives in its request's arena, from ingress_begin() to the one answer it gets.
#pragma once

#include "gateway/identity/principal.h"
#include "gateway/limits/rates.h"
#include "gateway/route.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/random.h"
#include "base/str.h"
#include "telemetry/trace.h"
#include "wire/msgpack/envelope.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct address_ranges;
struct agent_pages;
struct answer_metrics;
struct bus_gateway;
struct events;
struct health;
struct health_watch;
struct http_request;
struct http_server;
struct large_bodies;
struct login_guard;
struct metrics;
struct pages;
struct pipeline;
struct redis;
struct service;
struct shares;
struct spans;

#define CONFIG_STRUCT gateway_config
#define CONFIG_ROWS   "gateway/config.def"
#include "config/config_struct.h"

struct gateway {
    struct service *service;
    const struct gateway_config *config;
    struct metrics *metrics;
    struct random *random;
    struct spans *spans;     // NULL: none are kept
    struct bus_gateway *bus; // NULL while the program ends
    struct http_server *server;
    struct redis *redis;
    struct rates *rates;
    struct shares *shares;
    struct principals *principals;
    struct login_guard *login_guard;
    struct address_ranges *trusted_proxies;
    struct events *events;
    struct pages *pages; // NULL: none
    struct agent_pages *agent_pages;
    struct pipeline *pipeline;
    struct large_bodies *large_bodies;
    struct answer_metrics *answer_metrics;
    struct buf answer_body; // what answer.c writes at the moment
    struct buf payload;     // what gateway_call() encodes at the moment
    int64_t started_unix_us;
    struct health *health;
    struct health_watch *health_watch;
    size_t downloads; // of attachments
    size_t exchanges; // begun and not yet answered
    size_t streams;   // of events, opening ones included
    bool is_https;    // for browsers, as NEXUS_PUBLIC_URL says
    bool draining;
    struct {
        uint64_t address, full, refused, slow;
    } closed_published; // of connections, as the metric has it
    uv_timer_t tick;
};

// What the answer's headers say about the limit that counted this request.
struct rate_policy {
    const char *name; // "key", "login", "open"
    uint32_t quota, period_s;
};

struct exchange {
    struct gateway *gateway;
    struct http_request *http;
    struct route_match match;
    struct credentials credentials; // the caller's credentials; the strings belong to the request
    struct principal_wait wait;     // for the caller
    void (*identified)(void *context, struct caller *caller, const struct err *err);
    void *identified_context;
    void (*known_again)(void *context, const struct err *err); // access_ask_again()
    void *known_context;
    void (*body_came)(struct exchange *exchange); // large_body_take()
    struct principal principal;                   // once known
    int64_t right_ends_ms; // of the principal: when its key or session expires
    struct str ccid;       // x-ccid of a route whose contact center is NAMED
    struct id operation;
    struct trace trace;           // the trace of the request, and its own span
    uint64_t caller_span;         // that span's parent; 0: none
    uint64_t bus_span;            // of the calls to workers for it
    struct str traceparent;       // the operationId of the answer
    struct str body_begin;        // of a chunked one (body_beginning.h); absent otherwise
    struct str body, body_digest; // where it was not read with the head (large_body.h); else absent
    struct id upload;   // the contents that came ahead of it (upload.h); none: nothing did
    struct proof proof; // of a route that is SIGNED
    int64_t asked_us;
    int64_t started_us;
    int64_t ready_us; // when work on it could start: at once, or when its body had arrived
    struct rate_wait rate_wait; // for the key's rate
    struct rate_verdict rate;
    struct rate_policy rate_policy; // no name: nothing is counted
};

// Asks a worker (bus_gateway_call()) with the message that envelope->message names; message points
// to its struct.
void gateway_call(struct gateway *gateway, struct envelope *envelope, const void *message,
                  void (*reply)(void *context, enum err_code code, struct str payload),
                  void *context);

// Called once for each exchange, by the function that answered it.
void gateway_exchange_ended(struct gateway *gateway);

// For the service's table (main.c).
bool gateway_init(struct service *service, struct err *err);
void gateway_drain(struct service *service);
void gateway_done(struct service *service);
