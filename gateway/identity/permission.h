// permission: what a caller may do. Callers carry permissions product:role:resource, where a
// segment "*" stands for any; a route asks for one of the sets below. A caller's sets are worked
// out once, when the gateway learns who it is, so that a request costs one bit test.
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

// The name in routes.def, and the permissions any one of which is enough.
#define PERMISSIONS(X)                                                                             \
    X(NOBODY, "")                                     /* asked of no one: the route is open */     \
    X(INBOUND, "nexus:cluster:sms nexus:gateway:sms") /* aggregators and gateways */               \
    X(UNSIGNED, "nexus:cluster:sms")                  /* inbound, whatever the number's secret */  \
    X(AGENT, "nexus:agent:chat nexus:designer:chat")                                               \
    X(CONVERSATIONS, "nexus:agent:chat nexus:designer:chat nexus:admin:messages") /* no texts */   \
    X(MESSAGES, "nexus:admin:messages nexus:cluster:messages")                                     \
    X(KEYS, "nexus:admin:keys")                                                                    \
    X(TENANTS, "nexus:admin:tenants")                                                              \
    X(SERVICES, "nexus:admin:services nexus:cluster:services")                                     \
    X(AUDIT, "nexus:admin:audit")

enum permission {
#define X(name, enough) PERMISSION_##name,
    PERMISSIONS(X)
#undef X
        PERMISSION_COUNT
};

const char *permission_name(enum permission permission);   // "AGENT"
const char *permission_enough(enum permission permission); // as above, blanks between; empty: open

// Does one granted permission cover the wanted one? "nexus:*:chat" covers "nexus:agent:chat"; only
// "*" covers "*".
bool permission_covers(struct str granted, struct str wanted);

// The bits (1 << enum permission) that one granted permission brings.
uint32_t permission_bits(struct str granted);
