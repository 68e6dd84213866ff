// webhook_headers: the static headers a tenant may add to its webhooks ("header:" options), checked
// before they are sent: a value cannot split a header, and a name cannot override a header of ours.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "io/http_client/http_client.h"

enum { WEBHOOK_HEADERS_LIMIT = 16 };

bool webhook_header_is_allowed(struct str name, struct str value);

// From {"name": "value", …}; names and values are copied to the arena. Those that are not allowed,
// or exceed the limit, are left out and counted in *refused, because delivering the message matters
// more than a header.
MUST_USE bool webhook_headers_read(struct str json, struct arena *arena,
                                   struct http_client_header headers[WEBHOOK_HEADERS_LIMIT],
                                   size_t *count, size_t *refused, struct err *err);
