// client_address: the address that a request comes from. It is the peer's, unless the peer is a
// proxy that we trust (NEXUS_TRUSTED_PROXIES): then it is the last address in X-Forwarded-For that
// is not such a proxy. Any client can forge the addresses before that one.
#pragma once

#include "base/str.h"
#include "io/tcp/address.h"

#include <stdint.h>

// An unreadable address ends the search: the result is then the proxy that added it.
// forwarded: X-Forwarded-For, all lines; absent: none. trusted may be NULL.
void client_address_find(struct str peer, struct str forwarded,
                         const struct address_ranges *trusted,
                         uint8_t address[static ADDRESS_BYTES]);
