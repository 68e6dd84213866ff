// Which addresses a webhook may reach.
#include "io/address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>

static bool allowed(const char *text, const struct address_ranges *ranges)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_is_allowed((const struct sockaddr *)&v4, ranges);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    cr_assert(eq(int, inet_pton(AF_INET6, text, &v6.sin6_addr), 1), "%s", text);
    return address_is_allowed((const struct sockaddr *)&v6, ranges);
}

Test(address, lets_the_public_internet_through)
{
    static const char *const public[] = {"8.8.8.8",         "172.32.0.1",      "100.128.0.1",
                                         "192.169.0.1",     "223.255.255.255", "198.20.0.1",
                                         "2606:4700::1111", "2a00:1450::1"};
    for (size_t i = 0; i < COUNT_OF(public); i++)
        cr_expect(allowed(public[i], NULL), "%s", public[i]);
}

Test(address, refuses_every_special_range)
{
    static const char *const special[] = {"0.0.0.0",
                                          "10.1.2.3",
                                          "100.64.0.1",
                                          "100.127.255.255",
                                          "127.0.0.1",
                                          "127.9.9.9",
                                          "169.254.169.254",
                                          "172.16.0.1",
                                          "172.31.255.255",
                                          "192.0.0.8",
                                          "192.0.2.1",
                                          "192.88.99.1",
                                          "192.168.1.1",
                                          "198.18.0.1",
                                          "198.19.255.255",
                                          "198.51.100.1",
                                          "203.0.113.9",
                                          "224.0.0.1",
                                          "240.0.0.1",
                                          "255.255.255.255",
                                          "::",
                                          "::1",
                                          "::ffff:0:169.254.169.254",
                                          "2606:4700::5efe:10.0.0.1",
                                          "2606:4700::200:5efe:127.0.0.1",
                                          "4000::1",
                                          "::7f00:1",
                                          "64:ff9b::7f00:1",
                                          "64:ff9b:1::1",
                                          "100::1",
                                          "2001::1",
                                          "2001:db8::1",
                                          "2002:7f00:1::1",
                                          "3fff::1",
                                          "5f00::1",
                                          "fc00::1",
                                          "fdff::1",
                                          "fe80::1",
                                          "fec0::1",
                                          "ff02::1"};
    for (size_t i = 0; i < COUNT_OF(special); i++)
        cr_expect(not(allowed(special[i], NULL)), "%s", special[i]);
}

Test(address, sees_an_ipv4_address_inside_ipv6)
{
    cr_assert(not(allowed("::ffff:127.0.0.1", NULL)));
    cr_assert(not(allowed("::ffff:10.0.0.1", NULL)));
    cr_assert(allowed("::ffff:8.8.8.8", NULL));
}

Test(address, lets_allowed_ranges_through_and_nothing_beside_them)
{
    struct err err;
    struct address_ranges *ranges =
        address_ranges_parse(STR(" 127.0.0.0/8, ::1/128 ,10.2.0.0/15"), &err);
    cr_assert(ne(ptr, ranges, NULL));

    cr_expect(allowed("127.0.0.1", ranges));
    cr_expect(allowed("::ffff:127.0.0.1", ranges));
    cr_expect(allowed("::1", ranges));
    cr_expect(allowed("10.3.255.255", ranges));
    cr_expect(not(allowed("10.4.0.0", ranges)));
    cr_expect(not(allowed("::2", ranges)));
    address_ranges_free(&ranges);
}

Test(address, takes_an_empty_list)
{
    struct err err;
    struct address_ranges *ranges = address_ranges_parse(STR(""), &err);

    cr_assert(ne(ptr, ranges, NULL));
    cr_assert(not(allowed("127.0.0.1", ranges)));
    address_ranges_free(&ranges);
}

Test(address, refuses_what_is_no_range)
{
    static const char *const bad[] = {"127.0.0.1",   "127.0.0.0/33", "::/129", "localhost/8",
                                      "10.0.0.0/-1", "10.0.0.0/8,,", "/8",     "10.0.0.0/"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err;
        cr_expect(eq(ptr, address_ranges_parse(str_of(bad[i]), &err), NULL), "%s", bad[i]);
        cr_expect(eq(int, err.code, ERR_BAD_INPUT));
    }
}

Test(address, refuses_families_it_does_not_know)
{
    cr_assert(not(address_is_allowed(&(struct sockaddr){.sa_family = AF_UNIX}, NULL)));
}
