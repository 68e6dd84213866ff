// engine: sends the rows of the delivery table to their destinations.
//
//   claim     engine_claim.c      lease due rows of the destinations that have work
//   permit    engine_permit.c     check rows again that have waited too long (permit.h)
//   send      engine_send.c       one HTTP request a row, as many at once as window and slots allow
//   complete  engine_complete.c   store the outcomes, in batches, until PostgreSQL has them
//   wake      engine_wake.c       come back to a destination when its retries are due
//   leases    engine_leases.c     prolong the leases of what is still in work
//   answers   engine_answers.c    store the last answers of destinations in PostgreSQL
//   sweep     engine_sweep.c      find rows without a doorbell; expire; bind receipts
//
// A row is the queue entry; memory never holds the only copy. When the process dies, its leases run
// out after 30 s and another worker claims the rows. Whether their requests had been sent is then
// unknown, and the channel's policy for uncertain messages decides
// (db/functions/delivery/delivery.sql).
//
// At most 4 × transfers rows are in memory; for a fast destination at most 4 windows, so that it
// does not wait for a claim's round trip; for a slow one only as many as can be sent soon.
//
// This is what the program sees; what the parts share is in engine_parts.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct engine;
struct health_reasons;
struct keyring;
struct service;

struct engine_options {
    struct keyring *ring;  // opens the webhooks' secrets; must outlive the engine
    unsigned transfers;    // requests out at once
    unsigned window;       // of one destination, at most
    unsigned attempts;     // of one message, at most
    int32_t order_wait_ms; // how long a failing message delays the next one of its conversation
    int64_t timeout_ms;    // of one request
    bool https_only;       // nothing is sent to a webhook with http
};

struct engine *engine_new(struct service *service, const struct engine_options *options);
// "There is work for this destination."
void engine_doorbell(struct engine *engine, int32_t destination);
// The same for a destination that an operator reports as working again: the pause of its breaker
// ends in this worker. The others learn of it with their next sweep.
void engine_hurry(struct engine *engine, int32_t destination);
// Claims nothing new; service_drained() when all held rows are stored or returned.
void engine_drain(struct engine *engine);
void engine_free(struct engine **engine);
// Destinations that fail or are switched off.
void engine_health(const struct engine *engine, struct health_reasons *reasons);
void engine_publish_metrics(
    struct engine *engine); // sets the gauges of held rows and transfers; once a second
