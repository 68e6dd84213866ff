// Which addresses a webhook may reach.
#include "io/tcp/address.h"

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

Test(address, checks_an_ipv4_address_inside_an_ipv6_address)
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

Test(address, refuses_malformed_ranges)
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

Test(address, grants_a_range_at_one_port_or_at_all)
{
    struct err err;
    struct address_ranges *ranges =
        address_grants_parse(STR("10.1.0.0/16:8443, fd00::/8:443, 10.2.0.0/16"), &err);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(8443)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};

    cr_assert(ne(ptr, ranges, NULL));
    inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr);
    cr_expect(eq(ptr, (void *)address_forbidden_by((struct sockaddr *)&v4, NULL, ranges), NULL));
    cr_expect(eq(ptr, (void *)address_forbidden_by((struct sockaddr *)&v4, ranges, NULL), NULL));
    v4.sin_port = htons(443);
    cr_expect(eq(str, (char *)address_forbidden_by((struct sockaddr *)&v4, NULL, ranges),
                 "the address is not allowed (granted at another port only)"));
    cr_expect(eq(str, (char *)address_forbidden_by((struct sockaddr *)&v4, NULL, NULL),
                 "the address is not allowed (10.0.0.0/8, private)"));
    inet_pton(AF_INET, "10.2.2.3", &v4.sin_addr);
    cr_expect(eq(ptr, (void *)address_forbidden_by((struct sockaddr *)&v4, NULL, ranges), NULL));
    inet_pton(AF_INET6, "fd12::1", &v6.sin6_addr);
    cr_expect(eq(ptr, (void *)address_forbidden_by((struct sockaddr *)&v6, NULL, ranges), NULL));
    v6.sin6_port = htons(80);
    cr_expect(ne(ptr, (void *)address_forbidden_by((struct sockaddr *)&v6, NULL, ranges), NULL));
    address_ranges_free(&ranges);
}

Test(address, reads_ports_only_where_ranges_are_granted)
{
    struct err err;

    cr_expect(eq(ptr, address_ranges_parse(STR("10.0.0.0/8:80"), &err), NULL));
    static const char *const bad[] = {"10.0.0.0/8:",   "10.0.0.0/8:0",  "10.0.0.0/8:65536",
                                      "10.0.0.0:80/8", "[fd00::]/8:80", "fd00::/8:80:80"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        cr_expect(eq(ptr, address_grants_parse(str_of(bad[i]), &err), NULL), "%s", bad[i]);
}

Test(address, spells_a_granted_range_in_one_way)
{
    static const char *const spelled[][2] = {
        {"10.1.0.0/16", "10.1.0.0/16"},
        {"10.1.0.0/16:8443", "10.1.0.0/16:8443"},
        {"::ffff:10.1.0.0/112:80", "10.1.0.0/16:80"},
        {"FD00:0:0::/8", "fd00::/8"},
        {"fd00:1::7/128:65535", "fd00:1::7/128:65535"},
    };
    char canonical[ADDRESS_GRANT_TEXT];
    struct err err;

    for (size_t i = 0; i < COUNT_OF(spelled); i++) {
        cr_assert(address_grant_read(str_of(spelled[i][0]), canonical, &err), "%s", spelled[i][0]);
        cr_expect(eq(str, (char *)canonical, (char *)spelled[i][1]));
    }
    static const char *const bad[] = {"10.1.2.3/16", "0.0.0.0/0",     "10.0.0.0/7", "::/0",
                                      "::/64",       "::ffff:0:0/96", "fc00::/6",   ""};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        cr_expect(not(address_grant_read(str_of(bad[i]), canonical, &err)), "%s", bad[i]);
}
