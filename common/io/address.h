// address: which network addresses a webhook may reach. The deny list is the union of what IANA
// keeps for special purposes (RFC 6890 and its registry); IPv4 inside IPv6 is unwrapped first.
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/socket.h>

struct address_ranges; // CIDRs that are allowed although the deny list has them

// "127.0.0.0/8, ::1/128"; empty is fine. Up to 64 ranges.
struct address_ranges *address_ranges_parse(struct str text, struct err *err); // NULL on error
void address_ranges_free(struct address_ranges **ranges);
// May a socket be opened to this address? ranges may be NULL.
bool address_is_allowed(const struct sockaddr *address, const struct address_ranges *ranges);
