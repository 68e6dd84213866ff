#include "gateway/identity/client_address.h"

#include "rows.h"

static const struct way_row {
    const char *name, *peer, *forwarded, *trusted, *client;
} way_rows[] = {
    {"no proxy is trusted", "192.0.2.1", "198.51.100.7", "", "192.0.2.1"},
    {"the peer is a stranger", "192.0.2.1", "198.51.100.7", "10.0.0.0/8", "192.0.2.1"},
    {"one proxy", "10.0.0.1", "198.51.100.7", "10.0.0.0/8", "198.51.100.7"},
    {"a forged beginning", "10.0.0.1", "203.0.113.9, 198.51.100.7", "10.0.0.0/8", "198.51.100.7"},
    {"two proxies", "10.0.0.1", "198.51.100.7, 10.0.0.2", "10.0.0.0/8", "198.51.100.7"},
    {"a forged one behind two", "10.0.0.1", "10.9.9.9, 198.51.100.7,10.0.0.2", "10.0.0.0/8",
     "198.51.100.7"},
    {"only proxies", "10.0.0.1", "10.0.0.2", "10.0.0.0/8", "10.0.0.2"},
    {"no header", "10.0.0.1", NULL, "10.0.0.0/8", "10.0.0.1"},
    {"no address", "10.0.0.1", "198.51.100.7, unknown", "10.0.0.0/8", "10.0.0.1"},
    {"with a port", "10.0.0.1", "198.51.100.7:4711", "10.0.0.0/8", "198.51.100.7"},
    {"of IPv6", "fd00::1", "2001:db8::7", "fd00::/8", "2001:db8::7"},
    {"of IPv6 with a port", "fd00::1", "[2001:db8::7]:4711", "fd00::/8", "2001:db8::7"},
    {"mapped", "::ffff:10.0.0.1", "198.51.100.7", "10.0.0.0/8", "198.51.100.7"},
    {"an unreadable peer", "", "198.51.100.7", "10.0.0.0/8", "::"},
};

ROWS_TEST(client_address, is_the_last_that_is_not_of_a_trusted_proxy, way_rows)
{
    struct err err;
    struct address_ranges *trusted = address_ranges_parse(str_of(row->trusted), &err);
    uint8_t address[ADDRESS_BYTES], wanted[ADDRESS_BYTES];
    cr_assert(address_parse(str_of(row->client), wanted));

    client_address_find(str_of(row->peer), row->forwarded ? str_of(row->forwarded) : STR_ABSENT,
                        trusted, address);

    cr_assert(eq(int, memcmp(address, wanted, sizeof wanted), 0), "%s", row->name);
    address_ranges_free(&trusted);
}
