// credentials: what a request's headers say about who asks.
#pragma once

#include "route.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct http_request;

enum { KEY_LIMIT = 256, CCID_LIMIT = 64 }; // bytes

struct credentials {
    struct str key;
    struct str ccid; // empty when the caller names none
};

// BASIC: user is the ccid, password the key. KEY: x-api-key, or Authorization with or without
// "Bearer"; x-ccid may name the contact center. The strings live in the arena or the request.
MUST_USE bool credentials_read(const struct http_request *request, enum route_credentials kind,
                               struct arena *arena, struct credentials *credentials,
                               struct err *err);
