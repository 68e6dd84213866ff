#include "provisioning/rules.h"

#include "rows.h"

static const struct rule_row {
    const char *name;
    bool (*check)(struct str text, struct err *err);
    const char *text;
    bool good;
} rule_rows[] = {
    {"a permission", permission_check, "nexus:consumer:chat", true},
    {"a permission with a wildcard", permission_check, "nexus:cluster:*", true},
    {"a permission of two segments", permission_check, "nexus:consumer", false},
    {"a permission of four segments", permission_check, "a:b:c:d", false},
    {"a permission with an empty segment", permission_check, "nexus::chat", false},
    {"half a wildcard", permission_check, "nexus:cluster:ch*", false},
    {"a permission with a blank", permission_check, "nexus:consumer:c t", false},

    {"an https URL", webhook_url_check, "https://sms.example.com/out?x=1", true},
    {"an http URL with a port", webhook_url_check, "http://127.0.0.1:8090/out", true},
    {"a URL without a path", webhook_url_check, "https://example.com", true},
    {"an IPv6 host", webhook_url_check, "http://[::1]:8090/out", true},
    {"another scheme", webhook_url_check, "ftp://example.com/", false},
    {"no scheme", webhook_url_check, "example.com/out", false},
    {"a user name", webhook_url_check, "https://user@example.com/", false},
    {"user name and password", webhook_url_check, "https://user:pw@example.com/", false},
    {"no host", webhook_url_check, "https:///out", false},
    {"a port out of range", webhook_url_check, "https://example.com:99999/", false},
    {"a port that is not a number", webhook_url_check, "https://example.com:http/", false},
    {"an empty port", webhook_url_check, "https://example.com:/", false},
    {"a blank in the URL", webhook_url_check, "https://example.com/a b", false},
    {"a newline in the URL", webhook_url_check, "https://example.com/\r\nx: y", false},
    {"a fragment", webhook_url_check, "https://example.com/#top", false},
    {"an open bracket", webhook_url_check, "http://[::1/", false},

    {"a section", section_name_check, "chat.Support_1-a", true},
    {"a section with a blank", section_name_check, "chat support", false},
    {"a mail domain", domain_check, "mail.example.com", true},
    {"a mail domain in upper case", domain_check, "Mail.example.com", false},
    {"a name without a dot", domain_check, "localhost", false},
    {"a domain that ends in a dot", domain_check, "example.com.", false},
    {"a day", time_check, "2027-01-31", true},
    {"a time", time_check, "2027-01-31T12:00:00Z", true},
    {"a time without a zone", time_check, "2027-01-31T12:00:00", false},
    {"a word", time_check, "tomorrow!!", false},
    {"a UUID", uuid_check, "578EC98E-0000-46ad-9675-000000000001", true},
    {"the nil UUID", uuid_check, "00000000-0000-0000-0000-000000000000", false},
    {"a week", validity_check, "7d", true},
    {"more than a week", validity_check, "8d", false},
    {"a number without a unit", validity_check, "24", false},
};

ROWS_TEST(rules, accept_what_is_allowed_and_name_the_rule_otherwise, rule_rows)
{
    struct err err = {0};

    bool good = row->check(str_of(row->text), &err);

    cr_assert(eq(int, good, row->good), "%s", row->name);
    cr_assert(good || err.text[0], "%s: no rule given", row->name);
}
