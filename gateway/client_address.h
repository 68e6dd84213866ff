// client_address: where a request comes from. That is the peer, unless the peer is a proxy we trust
// (NEXUS_TRUSTED_PROXIES): then it is the last address in X-Forwarded-For that is not such a proxy.
// What stands before that one anybody could have written.
#pragma once

#include "base/str.h"
#include "io/address.h"

#include <stdint.h>

// An address that cannot be read ends the search: then it is the one that passed it on.
// forwarded: X-Forwarded-For, all lines; absent: none. trusted may be NULL.
void client_address_find(struct str peer, struct str forwarded,
                         const struct address_ranges *trusted,
                         uint8_t address[static ADDRESS_BYTES]);
