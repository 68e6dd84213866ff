// A list of CIDRs is read or refused. A list never forbids a public address. A range that may be granted has one spelling, which is read again as the same range.
#include "tests/fuzz/fuzz.h"

#include "io/tcp/address.h"

#include <netinet/in.h>

static bool allowed(uint32_t address, const struct address_ranges *ranges)
{
    struct sockaddr_in internet = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    return address_is_allowed((const struct sockaddr *)&internet, ranges);
}

static void grant(struct str text)
{
    char once[ADDRESS_GRANT_TEXT], again[ADDRESS_GRANT_TEXT];
    struct err err;

    if (!address_grant_read(text, once, &err))
        return;
    ASSERT(address_grant_read(str_of(once), again, &err) && strcmp(once, again) == 0);
    struct address_ranges *ranges = address_grants_parse(str_of(once), &err);
    ASSERT(ranges);
    address_ranges_free(&ranges);
}

FUZZ(text)
{
    grant(text);
    struct err err;
    struct address_ranges *ranges = address_ranges_parse(text, &err);

    if (!ranges)
        return;
    ASSERT(allowed(0x08080808, ranges)); // public, with or without a list
    address_ranges_free(&ranges);
    ASSERT(!ranges);
}
