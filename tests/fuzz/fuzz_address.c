// Lists of CIDRs: read or refused. No list opens what it does not name: an address is judged the
// same without one unless a range has it.
#include "fuzz.h"

#include "io/address.h"

#include <netinet/in.h>

static bool allowed(uint32_t address, const struct address_ranges *ranges)
{
    struct sockaddr_in internet = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    return address_is_allowed((const struct sockaddr *)&internet, ranges);
}

FUZZ(text)
{
    struct err err;
    struct address_ranges *ranges = address_ranges_parse(text, &err);

    if (!ranges)
        return;
    ASSERT(allowed(0x08080808, ranges)); // public, with or without a list
    (void)allowed(0x7F000001, ranges);
    address_ranges_free(&ranges);
    ASSERT(!ranges);
}
