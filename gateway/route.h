// route: which endpoint a method and a path mean. All endpoints are rows of routes.def; finding one
// allocates nothing and copies nothing.
#pragma once

#include "permission.h"

#include "base/str.h"
#include "wire/message.h"
#include "wire/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;

enum route_id {
#define CALL(id, ...)   ROUTE_##id,
#define STREAM(id, ...) ROUTE_##id,
#define OWN(id, ...)    ROUTE_##id,
#define LOCAL(id, ...)  ROUTE_##id,
#include "routes.def"
    ROUTE_COUNT
};

enum route_method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_DELETE, METHOD_COUNT };

enum route_credentials { CREDENTIALS_NONE, CREDENTIALS_BASIC, CREDENTIALS_KEY };

// Which contact centers a caller may mean. ONE: its own, or that of x-ccid. ALL: x-ccid may also be
// missing, then a caller who acts for all means all. NAMED: the path or the body names it, the
// handler judges; who is calling is asked without x-ccid, which must only not contradict.
// PLATFORM: all together; who belongs to one, or acts for one, may not ask.
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
    enum message_id message;         // of a CALL
    void (*open)(struct exchange *); // NULL for a CALL
    enum route_credentials credentials;
    enum permission permission;
    enum route_tenants tenants;
    bool documented, limited;
    bool metered; // open to all, and one address may ask only so often
    bool lenient; // documented, and all of a person's text that can be stored is taken
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
    // In whose manner errors are told: route, or another of the same path. NULL: no such path.
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
    return route->method == METHOD_POST && !route->open;
}

// May If-Match and If-None-Match come with it?
static inline bool route_takes_conditions(const struct route *route)
{
    return !route->open && reply_type(route->message)->errors & 1U << ERR_CHANGED_MEANWHILE;
}

// Does its answer say which version it shows?
static inline bool route_is_versioned(const struct route *route)
{
    return !route->open && reply_type(route->message)->errors & 1U << REPLY_VERSIONED;
}

// Does it change something for administrators? Then the audit log has a row of it.
static inline bool route_is_audited(const struct route *route)
{
    return route->method != METHOD_GET &&
           (1U << route->permission & (1U << PERMISSION_MESSAGES | 1U << PERMISSION_KEYS |
                                       1U << PERMISSION_TENANTS | 1U << PERMISSION_SERVICES));
}

// May what comes be signed with a number's secret (proof.h)?
static inline bool route_is_signed(const struct route *route)
{
    return route->permission == PERMISSION_INBOUND;
}

const char *route_verb(const struct route *route); // "GET"
enum { ROUTE_ALLOW_LENGTH = 64 };
// The value for the header Allow: "GET, HEAD".
struct str route_allow(unsigned allowed, char text[static ROUTE_ALLOW_LENGTH]);

// What decides the placement of a message; 0 for anywhere. Equal in every gateway.
uint64_t route_partition(const struct route *route, const void *message);
