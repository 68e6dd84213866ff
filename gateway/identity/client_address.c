// client_address: see the header.
#include "gateway/identity/client_address.h"

// Cuts the last element off a list with commas.
static struct str last_cut(struct str *list)
{
    size_t at = list->len;

    while (at > 0 && list->ptr[at - 1] != ',')
        at--;
    struct str last = str_skip(*list, at);
    list->len = at > 0 ? at - 1 : 0;
    return last;
}

void client_address_find(struct str peer, struct str forwarded,
                         const struct address_ranges *trusted,
                         uint8_t address[static ADDRESS_BYTES])
{
    uint8_t before[ADDRESS_BYTES];

    if (!address_parse(peer, address))
        memset(address, 0, ADDRESS_BYTES); // the client is gone; all such clients share one address
    while (trusted && address_is_of(address, trusted) && forwarded.len > 0 &&
           address_parse(last_cut(&forwarded), before))
        memcpy(address, before, ADDRESS_BYTES);
}
