// address: every address is looked at as 16 bytes of IPv6; IPv4 as ::ffff:a.b.c.d, so that the
// mapped spelling of an IPv4 address meets the same ranges.
#include "io/address.h"

#include "base/panic.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

enum { RANGES_LIMIT = 64, MAPPED_BITS = 96 };

struct range {
    uint8_t base[16];
    unsigned bits;
};

struct address_ranges {
    size_t count;
    struct range ranges[RANGES_LIMIT];
};

#define V4(a, b, c, d, bits_v4)                                                                    \
    {                                                                                              \
        .base = {[10] = 0xff, [11] = 0xff, [12] = (a), [13] = (b), [14] = (c), [15] = (d)},        \
        .bits = MAPPED_BITS + (bits_v4)                                                            \
    }
#define V6(bits_v6, ...)                                                                           \
    {                                                                                              \
        .base = {__VA_ARGS__}, .bits = (bits_v6)                                                   \
    }

// clang-format off
static const struct range denied[] = {
    V4(0, 0, 0, 0, 8),          // this network
    V4(10, 0, 0, 0, 8),         // private
    V4(100, 64, 0, 0, 10),      // carrier-grade NAT
    V4(127, 0, 0, 0, 8),        // loopback
    V4(169, 254, 0, 0, 16),     // link-local, clouds' metadata services
    V4(172, 16, 0, 0, 12),      // private
    V4(192, 0, 0, 0, 24),       // protocol assignments
    V4(192, 0, 2, 0, 24),       // documentation
    V4(192, 88, 99, 0, 24),     // 6to4 relays
    V4(192, 168, 0, 0, 16),     // private
    V4(198, 18, 0, 0, 15),      // benchmarks
    V4(198, 51, 100, 0, 24),    // documentation
    V4(203, 0, 113, 0, 24),     // documentation
    V4(224, 0, 0, 0, 4),        // multicast
    V4(240, 0, 0, 0, 4),        // reserved, broadcast
    V6(23, 0x20, 0x01),                     // protocol assignments, Teredo, benchmarks, ORCHID
    V6(32, 0x20, 0x01, 0x0d, 0xb8),         // documentation
    V6(16, 0x20, 0x02),                     // 6to4: IPv4 in disguise
    V6(20, 0x3f, 0xff),                     // documentation
};
// clang-format on

// Global unicast is 2000::/3. What is outside of it is local, reserved or multicast, or wraps an IPv4
// address for a translator that may be near (::a.b.c.d, ::ffff:0:a.b.c.d, 64:ff9b::a.b.c.d).
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

static bool any_holds(const struct range *ranges, size_t count, const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++)
        if (range_holds(&ranges[i], address))
            return true;
    return false;
}

static void map_v4(const struct in_addr *v4, uint8_t address[16])
{
    memset(address, 0, 10);
    memset(address + 10, 0xff, 2);
    memcpy(address + 12, v4, 4);
}

static bool range_parse(struct str text, struct range *range)
{
    struct str host;
    struct str length;
    char host_text[INET6_ADDRSTRLEN];
    if (!str_cut(text, '/', &host, &length) || host.len >= sizeof host_text)
        return false;
    memcpy(host_text, host.ptr, host.len);
    host_text[host.len] = '\0';

    struct in_addr v4;
    int64_t bits;
    if (inet_pton(AF_INET, host_text, &v4) == 1) {
        if (!str_to_int(length, 0, 32, &bits))
            return false;
        map_v4(&v4, range->base);
        range->bits = MAPPED_BITS + (unsigned)bits;
        return true;
    }
    if (inet_pton(AF_INET6, host_text, range->base) != 1 || !str_to_int(length, 0, 128, &bits))
        return false;
    range->bits = (unsigned)bits;
    return true;
}

struct address_ranges *address_ranges_parse(struct str text, struct err *err)
{
    struct address_ranges *ranges = calloc(1, sizeof *ranges);
    if (!ranges)
        panic("out of memory: address ranges");

    for (struct str rest = str_trim(text); rest.len > 0;) {
        struct str item;
        str_cut(rest, ',', &item, &rest);
        if (ranges->count == RANGES_LIMIT) {
            err_set(err, ERR_BAD_INPUT, "more than %d address ranges", RANGES_LIMIT);
            goto fail;
        }
        if (!range_parse(str_trim(item), &ranges->ranges[ranges->count])) {
            err_set(err, ERR_BAD_INPUT, "address range %zu is not of the form address/bits",
                    ranges->count + 1);
            goto fail;
        }
        ranges->count++;
    }
    return ranges;

fail:
    address_ranges_free(&ranges);
    return NULL;
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

bool address_is_v4(const uint8_t address[static ADDRESS_BYTES])
{
    static const struct range mapped = V4(0, 0, 0, 0, 0);

    return range_holds(&mapped, address);
}

bool address_is_allowed(const struct sockaddr *address, const struct address_ranges *ranges)
{
    uint8_t bytes[ADDRESS_BYTES];

    if (!address_read(address, bytes))
        return false;
    if (ranges && any_holds(ranges->ranges, ranges->count, bytes))
        return true;
    if (!address_is_v4(bytes) && (!is_global_v6(bytes) || is_tunnel_to_v4(bytes)))
        return false;
    return !any_holds(denied, COUNT_OF(denied), bytes);
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
    return any_holds(ranges->ranges, ranges->count, address);
}

struct str address_text(const uint8_t address[static ADDRESS_BYTES], char text[static ADDRESS_TEXT])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool is_ipv4 = memcmp(address, mapped, sizeof mapped) == 0;

    if (!inet_ntop(is_ipv4 ? AF_INET : AF_INET6, is_ipv4 ? address + sizeof mapped : address, text,
                   ADDRESS_TEXT))
        panic("an address has no text");
    return str_of(text);
}
