// address: which network addresses a webhook may reach, and whether an address is in given ranges.
// The deny list is the union of what IANA keeps for special purposes (RFC 6890 and its registry);
// IPv4 inside IPv6 is unwrapped first.
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
// The same with ports: "10.1.0.0/16:8443, fd00::/8:443, 10.2.0.0/16". Without a port a range holds
// for every port.
struct address_ranges *address_grants_parse(struct str text, struct err *err); // NULL on error
// NULL: a socket may be opened to this address and port. Else the rule that forbids it, in words
// for people, which name the special range and not the address. everyones and granted are ranges
// from address_grants_parse() that are allowed although the deny list has them; they may be NULL.
const char *address_forbidden_by(const struct sockaddr *address,
                                 const struct address_ranges *everyones,
                                 const struct address_ranges *granted);
bool address_is_allowed(const struct sockaddr *address, const struct address_ranges *ranges);

enum { ADDRESS_BYTES = 16, ADDRESS_TEXT = 46, ADDRESS_GRANT_TEXT = ADDRESS_TEXT + 20 };
// One range as an operator grants it, into its one spelling. Refused are bits behind the prefix,
// and what is larger than a private network is (a /8 of IPv4, a /7 of IPv6).
MUST_USE bool address_grant_read(struct str text, char canonical[static ADDRESS_GRANT_TEXT],
                                 struct err *err);
// To 16 bytes of IPv6; IPv4 as ::ffff:192.0.2.7. False for what is neither.
MUST_USE bool address_read(const struct sockaddr *address, uint8_t bytes[static ADDRESS_BYTES]);
// The socket address of a numeric host; of family AF_UNSPEC if host is not numeric.
void address_make(const char *host, int port, struct sockaddr_storage *address);
bool address_is_v4(const uint8_t address[static ADDRESS_BYTES]);
// "192.0.2.7" or "2001:db8::7", with a port ("192.0.2.7:80", "[2001:db8::7]:80") or without, to 16
// bytes of IPv6; IPv4 as ::ffff:192.0.2.7.
MUST_USE bool address_parse(struct str text, uint8_t address[static ADDRESS_BYTES]);
// In the usual spelling: 192.0.2.7 or 2001:db8::7.
struct str address_text(const uint8_t address[static ADDRESS_BYTES],
                        char text[static ADDRESS_TEXT]);
bool address_is_of(const uint8_t address[static ADDRESS_BYTES],
                   const struct address_ranges *ranges);
