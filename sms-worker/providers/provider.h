// provider: how messages are sent to an external system. A provider writes the request for a
// message and interprets the answer; everything else (queue, leases, retries, breaker, transfer)
// belongs to the engine and is the same for all. A provider is a row in provider.c and a file
// provider_<name>.c.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/str.h"
#include "io/http_client/http_client.h"
#include "provisioning/webhook_headers.h"
#include "sms-worker/pacing/retry.h"
#include "telemetry/trace.h"

enum { PROVIDER_HEADERS_LIMIT = WEBHOOK_HEADERS_LIMIT + 12, PROVIDER_SECRETS_LIMIT = 4 };

// The message as the external system may see it.
struct outgoing {
    struct id id; // the same on every attempt
    struct str from, to, text;
    struct id conversation; // none: it has no conversation and no sequence
    int32_t sequence;       // its place in the conversation, from 1
    struct str content;     // JSON, absent when there is none
    struct trace trace;     // its span is this attempt's
};

// The target of the request. The engine keeps one for each destination.
struct webhook {
    struct str url;
    struct http_client_header headers[WEBHOOK_HEADERS_LIMIT]; // static, judged
    size_t header_count;
    struct str secrets[PROVIDER_SECRETS_LIMIT]; // opened, the current one first
    size_t secret_count;
};

// Strings live in the arena or in the webhook; body has the exact bytes, which are also signed.
struct provider_request {
    struct arena *arena;
    struct buf body;
    struct http_client_header headers[PROVIDER_HEADERS_LIMIT];
    size_t header_count;
};

struct provider_verdict {
    enum retry_class class;
    struct str provider_id; // absent when the answer names none
    bool conflict;          // a 409 that does not name the message
};

struct provider {
    struct str name; // as channel.provider has it
    void (*build)(const struct outgoing *message, const struct webhook *webhook, int64_t now_s,
                  struct provider_request *request);
    // Only for complete answers. The result may point into the arena.
    struct provider_verdict (*judge)(const struct outgoing *message,
                                     const struct http_client_answer *answer, struct arena *arena);
};

const struct provider *provider_of(struct str name); // NULL if there is none of that name
