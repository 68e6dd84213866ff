// address: which network addresses a webhook may reach, and whether one is of given ranges. The deny list is the union of what IANA
// keeps for special purposes (RFC 6890 and its registry); IPv4 inside IPv6 is unwrapped first.
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct address_ranges; // CIDRs

// "127.0.0.0/8, ::1/128"; empty is fine. Up to 64 ranges.
struct address_ranges *address_ranges_parse(struct str text, struct err *err); // NULL on error
void address_ranges_free(struct address_ranges **ranges);
// May a socket be opened to this address? ranges are allowed although the deny list has them; they
// may be NULL.
bool address_is_allowed(const struct sockaddr *address, const struct address_ranges *ranges);

enum { ADDRESS_BYTES = 16, ADDRESS_TEXT = 46 };
// To 16 bytes of IPv6; IPv4 as ::ffff:192.0.2.7. False for what is neither.
MUST_USE bool address_read(const struct sockaddr *address, uint8_t bytes[static ADDRESS_BYTES]);
bool address_is_v4(const uint8_t address[static ADDRESS_BYTES]);
// "192.0.2.7" or "2001:db8::7", with a port ("192.0.2.7:80", "[2001:db8::7]:80") or without, to 16
// bytes of IPv6; IPv4 as ::ffff:192.0.2.7.
MUST_USE bool address_parse(struct str text, uint8_t address[static ADDRESS_BYTES]);
// As it is written: 192.0.2.7 or 2001:db8::7.
struct str address_text(const uint8_t address[static ADDRESS_BYTES],
                        char text[static ADDRESS_TEXT]);
bool address_is_of(const uint8_t address[static ADDRESS_BYTES],
                   const struct address_ranges *ranges);
