// gateway: what the parts of this program share, and the exchange: one HTTP request and its answer.
//
//   http_server → ingress.c (route, principal, message, bus) → answer.c
//
// An exchange lives in its request's arena, from ingress_begin() to the one answer it gets.
#pragma once

#include "health.h"
#include "principal.h"
#include "rates.h"
#include "route.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/random.h"
#include "base/str.h"
#include "base/trace.h"
#include "wire/envelope.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct address_ranges;
struct answer_metrics;
struct bus_gateway;
struct events;
struct http_request;
struct http_server;
struct large_bodies;
struct login_guard;
struct metrics;
struct openapi;
struct pages;
struct pipeline;
struct redis;
struct service;
struct shares;
struct spans;

#define CONFIG_TYPE_STR                              struct str
#define CONFIG_TYPE_INT                              int64_t
#define CONFIG_TYPE_BYTES                            int64_t
#define CONFIG_TYPE_DURATION                         int64_t
#define CONFIG(kind, field, variable, fallback, ...) CONFIG_TYPE_##kind field;
struct gateway_config {
#include "config.def"
};

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
    struct openapi *openapi;
    struct pipeline *pipeline;
    struct large_bodies *large_bodies;
    struct answer_metrics *answer_metrics;
    struct buf text, payload; // scratch of the function that runs; nothing in them outlives it
    int64_t started_unix_us;
    struct health health;
    struct health_watch *health_watch;
    size_t downloads; // of attachments
    size_t exchanges; // begun and not yet answered
    size_t streams;   // of events, opening ones included
    bool is_https;    // for browsers, as NEXUS_PUBLIC_URL says
    bool draining;
    struct {
        uint64_t address, full, refused, slow;
    } closed_told; // of connections, as the metric has it
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
    struct credentials credentials; // what the caller showed; the strings are the request's
    struct principal_wait wait;     // for who asks
    void (*known_again)(void *context, const struct err *err); // ingress_ask_again()
    void *known_context;
    struct principal principal; // once known
    struct str ccid;            // x-ccid of a route whose contact center is NAMED
    struct id operation;
    struct trace trace;           // where the request belongs, and its own span
    uint64_t caller_span;         // that span's parent; 0: none
    uint64_t bus_span;            // of what a worker is asked for it
    struct str traceparent;       // what the answer says
    struct str body_begin;        // of a chunked one (body_beginning.h); absent otherwise
    struct str body, body_digest; // where it was not read with the head (large_body.h); else absent
    struct id upload;   // the contents that came ahead of it (upload.h); none: nothing did
    struct proof proof; // of a route that is SIGNED
    int64_t asked_us;
    int64_t started_us;
    int64_t ready_us;           // when it could be worked on: at once, or when its body had come
    struct rate_wait rate_wait; // for the key's rate
    struct rate_verdict rate;
    struct rate_policy rate_policy; // no name: nothing is counted
};

// Called once for each exchange, by whoever answered it.
void gateway_exchange_ended(struct gateway *gateway);

// For the service's table (main.c).
bool gateway_init(struct service *service, struct err *err);
void gateway_drain(struct service *service);
void gateway_done(struct service *service);
