// route: which endpoint a method and a path mean. All endpoints are rows of routes.def; finding one
// allocates nothing and copies nothing.
#pragma once

#include "gateway/identity/credentials.h"
#include "gateway/identity/permission.h"

#include "base/str.h"
#include "wire/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum route_id {
#define CALL(id, ...)   ROUTE_##id,
#define STREAM(id, ...) ROUTE_##id,
#define OWN(id, ...)    ROUTE_##id,
#define LOCAL(id, ...)  ROUTE_##id,
#include "gateway/routes.def"
    ROUTE_COUNT
};

enum route_method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_DELETE, METHOD_COUNT };

// The contact centers that a request is about. ONE: the caller's own, or that of x-ccid. ALL:
// without x-ccid, a request of a caller that acts for all is about all. NAMED: the path or the body
// names it and the handler checks it; the caller is looked up without x-ccid, which must not
// contradict. PLATFORM: all together; callers that belong to one, or act for one, are refused.
enum route_tenants { TENANTS_ONE, TENANTS_ALL, TENANTS_NAMED, TENANTS_PLATFORM };

enum route_envelope { ENVELOPE_E1, ENVELOPE_E2, ENVELOPE_E3 }; // answer_body.h shows them

// The field of the message whose value decides the placement.
struct route_partition {
    enum { PARTITION_ANYWHERE, PARTITION_STR, PARTITION_ID } kind;
    size_t offset;
};

struct route {
    enum route_id id;
    const char *name; // label of its metrics
    enum route_method method;
    struct str path;
    bool own;                // the gateway answers it itself (own_route.h); it is not a CALL
    enum message_id message; // of a CALL
    enum route_credentials credentials;
    enum permission permission;
    enum route_tenants tenants;
    bool documented, limited;
    bool metered;     // open to all, with a limit for each address
    bool lenient;     // documented, and messages of people are accepted if they can be stored
    bool conditional; // If-Match and If-None-Match may come with it
    bool versioned;   // its answer has an ETag
    enum route_envelope envelope;
    int status;
    uint32_t deadline_ms;
    struct route_partition partition;
    const char *summary;
};

enum { ROUTE_PARAMETERS = 4 };

struct route_match {
    const struct route *route; // NULL: no such path, or not with this method
    unsigned allowed;          // bits of the methods that the path has; 0: no such path
    // The route whose error format applies: route, or another of the same path. NULL: no such path.
    const struct route *manner;
    struct {
        struct str name, value; // value as it stands in the path, not decoded
    } parameters[ROUTE_PARAMETERS];
    size_t parameter_count;
};

// The value of the path's parameter; absent when the path has none of that name.
struct str route_parameter(const struct route_match *match, struct str name);

// HEAD finds what GET would.
void route_find(struct str method, struct str path, struct route_match *match);

const struct route *route_of(enum route_id id);
// May an Idempotency-Key come with it?
static inline bool route_takes_keys(const struct route *route)
{
    return route->method == METHOD_POST && !route->own;
}

// Is it an administrative change? Then the audit log gets a row.
static inline bool route_is_audited(const struct route *route)
{
    return route->method != METHOD_GET &&
           (1U << route->permission & (1U << PERMISSION_MESSAGES | 1U << PERMISSION_KEYS |
                                       1U << PERMISSION_TENANTS | 1U << PERMISSION_SERVICES));
}

// May requests be signed with a number's secret (proof.h)?
static inline bool route_is_signed(const struct route *route)
{
    return route->permission == PERMISSION_INBOUND;
}

const char *route_verb(const struct route *route); // "GET"
enum { ROUTE_ALLOW_LENGTH = 64 };
// The value for the header Allow: "GET, HEAD".
struct str route_allow(unsigned allowed, char text[static ROUTE_ALLOW_LENGTH]);

// The key of a message's placement; 0: anywhere. The same in every gateway.
uint64_t route_partition(const struct route *route, const void *message);
