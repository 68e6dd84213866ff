// address: every address is looked at as 16 bytes of IPv6; IPv4 as ::ffff:a.b.c.d, so that the
// mapped spelling of an IPv4 address meets the same ranges.
#include "io/tcp/address.h"

#include "base/heap.h"
#include "base/panic.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum { RANGES_LIMIT = 64, MAPPED_BITS = 96, GRANT_BITS_V4 = 8, GRANT_BITS_V6 = 7 };

struct range {
    uint8_t base[16];
    unsigned bits;
    uint16_t port;    // 0: every port
    const char *rule; // of a denied one, for people
};

struct address_ranges {
    size_t count;
    struct range ranges[RANGES_LIMIT];
};

#define NOT_ALLOWED(rule) "the address is not allowed (" rule ")"
#define V4(a, b, c, d, bits_v4, why)                                                               \
    {                                                                                              \
        .base = {[10] = 0xff, [11] = 0xff, [12] = (a), [13] = (b), [14] = (c), [15] = (d)},        \
        .bits = MAPPED_BITS + (bits_v4), .rule = NOT_ALLOWED(why)                                  \
    }
#define V6(bits_v6, why, ...)                                                                      \
    {                                                                                              \
        .base = {__VA_ARGS__}, .bits = (bits_v6), .rule = NOT_ALLOWED(why)                         \
    }

// clang-format off
static const struct range denied[] = {
    V4(0, 0, 0, 0, 8,          "0.0.0.0/8, this network"),
    V4(10, 0, 0, 0, 8,         "10.0.0.0/8, private"),
    V4(100, 64, 0, 0, 10,      "100.64.0.0/10, carriers' translation"),
    V4(127, 0, 0, 0, 8,        "127.0.0.0/8, loopback"),
    V4(169, 254, 0, 0, 16,     "169.254.0.0/16, link-local and clouds' metadata"),
    V4(172, 16, 0, 0, 12,      "172.16.0.0/12, private"),
    V4(192, 0, 0, 0, 24,       "192.0.0.0/24, protocol assignments"),
    V4(192, 0, 2, 0, 24,       "192.0.2.0/24, documentation"),
    V4(192, 88, 99, 0, 24,     "192.88.99.0/24, 6to4 relays"),
    V4(192, 168, 0, 0, 16,     "192.168.0.0/16, private"),
    V4(198, 18, 0, 0, 15,      "198.18.0.0/15, benchmarks"),
    V4(198, 51, 100, 0, 24,    "198.51.100.0/24, documentation"),
    V4(203, 0, 113, 0, 24,     "203.0.113.0/24, documentation"),
    V4(224, 0, 0, 0, 4,        "224.0.0.0/4, multicast"),
    V4(240, 0, 0, 0, 4,        "240.0.0.0/4, reserved and broadcast"),
    V6(128, "::1, loopback", [15] = 1),
    V6(7, "fc00::/7, private", 0xfc),
    V6(10, "fe80::/10, link-local", 0xfe, 0x80),
    V6(8, "ff00::/8, multicast", 0xff),
    V6(23, "2001::/23, protocol assignments and tunnels", 0x20, 0x01),
    V6(32, "2001:db8::/32, documentation", 0x20, 0x01, 0x0d, 0xb8),
    V6(16, "2002::/16, 6to4", 0x20, 0x02),
    V6(20, "3fff::/20, documentation", 0x3f, 0xff),
};
// clang-format on

static const struct range all_v4 = V4(0, 0, 0, 0, 0, "");

// Global unicast is 2000::/3. What is outside of it is local, reserved or multicast, or wraps an
// IPv4 address for a translator that may be near (::a.b.c.d, ::ffff:0:a.b.c.d, 64:ff9b::a.b.c.d).
static bool is_global_v6(const uint8_t address[16])
{
    return address[0] >> 5 == 1;
}

// ISATAP: a tunnel to the IPv4 address in the last four bytes, under whatever prefix.
static bool is_tunnel_to_v4(const uint8_t address[16])
{
    return (address[8] & 0xfc) == 0 && address[9] == 0 && address[10] == 0x5e &&
           address[11] == 0xfe;
}

static bool range_holds(const struct range *range, const uint8_t address[16])
{
    size_t whole = range->bits / 8;
    unsigned rest = range->bits % 8;
    if (memcmp(range->base, address, whole) != 0)
        return false;
    return rest == 0 || ((range->base[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static const struct range *find(const struct range *ranges, size_t count, const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++)
        if (range_holds(&ranges[i], address))
            return &ranges[i];
    return NULL;
}

static void map_v4(const struct in_addr *v4, uint8_t address[16])
{
    memset(address, 0, 10);
    memset(address + 10, 0xff, 2);
    memcpy(address + 12, v4, 4);
}

// Reads the text behind the slash: "16", or with a port "16:8443".
static bool length_parse(struct str text, int64_t most, bool with_ports, unsigned *bits,
                         uint16_t *port)
{
    struct str length = text, rest;
    int64_t number = 0;

    if (with_ports && str_cut(text, ':', &length, &rest) &&
        !str_to_int(rest, 1, UINT16_MAX, &number))
        return false;
    *port = (uint16_t)number;
    if (!str_to_int(length, 0, most, &number))
        return false;
    *bits = (unsigned)number;
    return true;
}

static bool range_parse(struct str text, bool with_ports, struct range *range)
{
    struct str host;
    struct str length;
    char host_text[INET6_ADDRSTRLEN];
    if (!str_cut(text, '/', &host, &length) || host.len >= sizeof host_text)
        return false;
    memcpy(host_text, host.ptr, host.len);
    host_text[host.len] = '\0';

    struct in_addr v4;
    if (inet_pton(AF_INET, host_text, &v4) == 1) {
        if (!length_parse(length, 32, with_ports, &range->bits, &range->port))
            return false;
        map_v4(&v4, range->base);
        range->bits += MAPPED_BITS;
        return true;
    }
    return inet_pton(AF_INET6, host_text, range->base) == 1 &&
           length_parse(length, 128, with_ports, &range->bits, &range->port);
}

static struct address_ranges *list_parse(struct str text, bool with_ports, struct err *err)
{
    struct address_ranges *ranges = heap_new(sizeof *ranges);

    for (struct str rest = str_trim(text); rest.len > 0;) {
        struct str item;
        str_cut(rest, ',', &item, &rest);
        if (ranges->count == RANGES_LIMIT) {
            err_set(err, ERR_BAD_INPUT, "more than %d address ranges", RANGES_LIMIT);
            goto fail;
        }
        if (!range_parse(str_trim(item), with_ports, &ranges->ranges[ranges->count])) {
            err_set(err, ERR_BAD_INPUT, "address range %zu is not of the form address/bits%s",
                    ranges->count + 1, with_ports ? " or address/bits:port" : "");
            goto fail;
        }
        ranges->count++;
    }
    return ranges;

fail:
    address_ranges_free(&ranges);
    return NULL;
}

struct address_ranges *address_ranges_parse(struct str text, struct err *err)
{
    return list_parse(text, false, err);
}

struct address_ranges *address_grants_parse(struct str text, struct err *err)
{
    return list_parse(text, true, err);
}

// ---- one range, as an operator grants it

// Are bits of the address set behind the first ones that bits counts?
static bool has_bits_behind(const uint8_t address[16], unsigned bits)
{
    for (unsigned bit = bits; bit < 8 * ADDRESS_BYTES; bit++)
        if (address[bit / 8] >> (7 - bit % 8) & 1)
            return true;
    return false;
}

bool address_grant_read(struct str text, char canonical[static ADDRESS_GRANT_TEXT], struct err *err)
{
    char host[ADDRESS_TEXT];
    struct range range = {0};

    if (!range_parse(text, true, &range))
        return err_set(err, ERR_BAD_INPUT,
                       "must be address/bits or address/bits:port, such as 10.1.0.0/16:8443");
    if (has_bits_behind(range.base, range.bits))
        return err_set(err, ERR_BAD_INPUT,
                       "the address has bits set behind the first that /bits names");
    bool is_v4 = address_is_v4(range.base) && range.bits >= MAPPED_BITS;
    if (is_v4 ? range.bits < MAPPED_BITS + GRANT_BITS_V4
              : range.bits < GRANT_BITS_V6 || range_holds(&range, all_v4.base))
        return err_set(err, ERR_BAD_INPUT, "larger than one grant may be (IPv4: /%d, IPv6: /%d)",
                       GRANT_BITS_V4, GRANT_BITS_V6);
    (void)address_text(range.base, host);
    int length = snprintf(canonical, ADDRESS_GRANT_TEXT, "%s/%u", host,
                          is_v4 ? range.bits - MAPPED_BITS : range.bits);
    if (range.port)
        snprintf(canonical + length, ADDRESS_GRANT_TEXT - (size_t)length, ":%u", range.port);
    return true;
}

void address_ranges_free(struct address_ranges **ranges)
{
    free(*ranges);
    *ranges = NULL;
}

bool address_read(const struct sockaddr *address, uint8_t bytes[static ADDRESS_BYTES])
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        map_v4(&v4.sin_addr, bytes);
    } else if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        memcpy(bytes, &v6.sin6_addr, ADDRESS_BYTES);
    } else {
        return false;
    }
    return true;
}

void address_make(const char *host, int port, struct sockaddr_storage *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

    *address = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        memcpy(address, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
        memcpy(address, &v6, sizeof v6);
}

bool address_is_v4(const uint8_t address[static ADDRESS_BYTES])
{
    return range_holds(&all_v4, address);
}

static uint16_t port_of(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        return ntohs(v4.sin_port);
    }
    memcpy(&v6, address, sizeof v6);
    return ntohs(v6.sin6_port);
}

// Is it of one of the ranges, at this port? near: it is of one at another port.
static bool is_granted(const struct address_ranges *ranges, const uint8_t address[16],
                       uint16_t port, bool *near)
{
    for (size_t i = 0; ranges && i < ranges->count; i++) {
        const struct range *range = &ranges->ranges[i];
        if (!range_holds(range, address))
            continue;
        if (range->port == 0 || range->port == port)
            return true;
        *near = true;
    }
    return false;
}

const char *address_forbidden_by(const struct sockaddr *address,
                                 const struct address_ranges *everyones,
                                 const struct address_ranges *granted)
{
    const struct range *range;
    uint8_t bytes[ADDRESS_BYTES];
    bool near = false;

    if (!address_read(address, bytes))
        return NOT_ALLOWED("neither IPv4 nor IPv6");
    if (is_granted(everyones, bytes, port_of(address), &near) ||
        is_granted(granted, bytes, port_of(address), &near))
        return NULL;
    if (!address_is_v4(bytes) && is_tunnel_to_v4(bytes))
        return NOT_ALLOWED("ISATAP, a tunnel to IPv4");
    range = find(denied, COUNT_OF(denied), bytes);
    if (!range && (address_is_v4(bytes) || is_global_v6(bytes)))
        return NULL;
    if (near)
        return NOT_ALLOWED("granted at another port only");
    return range ? range->rule : NOT_ALLOWED("outside of 2000::/3, not of the public internet");
}

bool address_is_allowed(const struct sockaddr *address, const struct address_ranges *ranges)
{
    return !address_forbidden_by(address, ranges, NULL);
}

// The address alone: what stands before a port, within brackets or not.
static struct str host_of(struct str text)
{
    struct str host, rest, other;

    if (text.len && text.ptr[0] == '[') {
        str_cut(str_skip(text, 1), ']', &host, &rest);
        return host;
    }
    // One colon ends an IPv4 address; two and more are one of IPv6.
    return str_cut(text, ':', &host, &rest) && !str_cut(rest, ':', &other, &other) ? host : text;
}

bool address_parse(struct str text, uint8_t address[static ADDRESS_BYTES])
{
    struct str host = host_of(str_trim(text));
    char host_text[INET6_ADDRSTRLEN];
    struct in_addr v4;

    if (host.len >= sizeof host_text)
        return false;
    memcpy(host_text, host.ptr, host.len);
    host_text[host.len] = '\0';
    if (inet_pton(AF_INET, host_text, &v4) == 1) {
        map_v4(&v4, address);
        return true;
    }
    return inet_pton(AF_INET6, host_text, address) == 1;
}

bool address_is_of(const uint8_t address[static ADDRESS_BYTES], const struct address_ranges *ranges)
{
    return find(ranges->ranges, ranges->count, address) != NULL;
}

struct str address_text(const uint8_t address[static ADDRESS_BYTES], char text[static ADDRESS_TEXT])
{
    bool is_v4 = address_is_v4(address);

    if (!inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? address + MAPPED_BITS / 8 : address, text,
                   ADDRESS_TEXT))
        panic("an address has no text");
    return str_of(text);
}
